import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseDuration } from '../../../src/broker/topology/duration.js';
import { isObject, type Json, type JsonObject, kindOf } from '../../../src/broker/topology/json.js';
import type { EvaluatedResource } from '../../../src/broker/topology/template/template.js';

/**
 * Judges resources by the serialisation mappers of Azure's own management clients: what the client could not send, the
 * service does not know. The packages do not export the mappers, so they are read by path.
 */
interface Mapper {
  readonly serializedName?: string;
  readonly required?: boolean;
  readonly readOnly?: boolean;
  readonly constraints?: Readonly<Record<string, number | RegExp>>;
  readonly type: {
    readonly name: string;
    readonly className?: string;
    readonly allowedValues?: readonly Json[];
    readonly element?: Mapper;
    readonly value?: Mapper;
    readonly modelProperties?: Readonly<Record<string, Mapper>>;
  };
}
type Mappers = Readonly<Record<string, Mapper>>;

const load = async (name: string): Promise<Mappers> => {
  const path = join('node_modules', '@azure', name, 'dist-esm/src/models/mappers.js');
  return (await import(pathToFileURL(path).href)) as unknown as Mappers;
};
const serviceBus = await load('arm-servicebus');
const eventHubs = await load('arm-eventhub');

const property = (serializedName: string, name: string, more: Partial<Mapper> & { allowed?: Json[] } = {}): Mapper => ({
  serializedName,
  ...more,
  type: { name, ...(more.allowed === undefined ? {} : { allowedValues: more.allowed }) },
});
const model = (...properties: Mapper[]): Mapper => ({
  type: { name: 'Composite', modelProperties: Object.fromEntries(properties.map((one, i) => [String(i), one])) },
});

/** The part in use of the REST references of Microsoft.Storage 2023-05-01 and Microsoft.Authorization 2022-04-01. */
const written: Mappers = {
  StorageAccount: model(
    property('location', 'String', { required: true }),
    { serializedName: 'tags', type: { name: 'Dictionary', value: { type: { name: 'String' } } } },
    property('kind', 'Enum', { required: true, allowed: ['StorageV2', 'BlobStorage', 'BlockBlobStorage'] }),
    property('sku.name', 'Enum', {
      required: true,
      allowed: ['Standard_LRS', 'Standard_ZRS', 'Standard_GRS', 'Standard_GZRS', 'Premium_LRS'],
    }),
    property('properties.accessTier', 'Enum', { allowed: ['Hot', 'Cool', 'Cold', 'Premium'] }),
    property('properties.minimumTlsVersion', 'Enum', { allowed: ['TLS1_2', 'TLS1_3'] }),
    property('properties.supportsHttpsTrafficOnly', 'Boolean'),
    property('properties.allowBlobPublicAccess', 'Boolean'),
    property('properties.allowSharedKeyAccess', 'Boolean'),
  ),
  Container: model(property('properties.publicAccess', 'Enum', { allowed: ['None', 'Blob', 'Container'] })),
  RoleAssignment: model(
    property('properties.roleDefinitionId', 'String', { required: true }),
    property('properties.principalId', 'String', { required: true }),
    property('properties.principalType', 'Enum', { allowed: ['ServicePrincipal', 'User', 'Group'] }),
  ),
};

interface KnownType {
  readonly apiVersion: string;
  readonly mappers: Mappers;
  readonly className: string;
}

const known = (apiVersion: string, mappers: Mappers, className: string): KnownType => ({
  apiVersion,
  mappers,
  className,
});

/** The resource types that the template may use, each with the API version that its mapper describes. */
const knownTypes: Readonly<Record<string, KnownType>> = {
  'Microsoft.ServiceBus/namespaces': known('2021-11-01', serviceBus, 'SBNamespace'),
  'Microsoft.ServiceBus/namespaces/topics': known('2021-11-01', serviceBus, 'SBTopic'),
  'Microsoft.ServiceBus/namespaces/topics/subscriptions': known('2021-11-01', serviceBus, 'SBSubscription'),
  'Microsoft.ServiceBus/namespaces/topics/subscriptions/rules': known('2021-11-01', serviceBus, 'Rule'),
  'Microsoft.EventHub/namespaces': known('2024-01-01', eventHubs, 'EHNamespace'),
  'Microsoft.EventHub/namespaces/eventhubs': known('2024-01-01', eventHubs, 'Eventhub'),
  'Microsoft.EventHub/namespaces/eventhubs/consumergroups': known('2024-01-01', eventHubs, 'ConsumerGroup'),
  'Microsoft.Storage/storageAccounts': known('2023-05-01', written, 'StorageAccount'),
  'Microsoft.Storage/storageAccounts/blobServices/containers': known('2023-05-01', written, 'Container'),
  'Microsoft.Authorization/roleAssignments': known('2022-04-01', written, 'RoleAssignment'),
};

/** Parts of every resource that Resource Manager keeps for itself. */
const envelope = new Set(['type', 'name', 'apiVersion', 'dependsOn', 'comments', 'scope']);

/** @returns what the service would refuse, each with the place in the resource; empty when all is well */
export function checkResource({ type, body }: EvaluatedResource): readonly string[] {
  const found = knownTypes[type];
  if (found === undefined) return [`unknown resource type ${type}`];
  const problems: string[] = [];
  if (body['apiVersion'] !== found.apiVersion) problems.push(`apiVersion: must be ${found.apiVersion}`);
  const content = Object.fromEntries(Object.entries(body).filter(([key]) => !envelope.has(key)));
  checkModel(content, found.className, found.mappers, '', problems);
  return problems;
}

/** A model's properties by their place in the JSON: "properties.sku" lies below "properties". */
interface Place {
  mapper?: Mapper;
  readonly below: Map<string, Place>;
}

function placesOf(className: string, mappers: Mappers): Place {
  const root: Place = { below: new Map() };
  for (const mapper of Object.values(mappers[className]?.type.modelProperties ?? {})) {
    let place = root;
    for (const key of (mapper.serializedName ?? '').split('.')) {
      const next: Place = place.below.get(key) ?? { below: new Map() };
      place.below.set(key, next);
      place = next;
    }
    place.mapper = mapper;
  }
  return root;
}

function checkModel(value: JsonObject, className: string, mappers: Mappers, path: string, problems: string[]): void {
  checkPlace(value, placesOf(className, mappers), mappers, path, problems);
}

function checkPlace(value: JsonObject, place: Place, mappers: Mappers, path: string, problems: string[]): void {
  for (const [key, item] of Object.entries(value)) {
    const here = path === '' ? key : `${path}.${key}`;
    const next = place.below.get(key);
    if (next === undefined) problems.push(`${here}: unknown property`);
    else if (item === null) continue;
    else if (next.mapper !== undefined) checkValue(item, next.mapper, mappers, here, problems);
    else if (isObject(item)) checkPlace(item, next, mappers, here, problems);
    else problems.push(`${here}: must be an object, not ${kindOf(item)}`);
  }
  for (const [key, next] of place.below) {
    const item = value[key];
    const here = path === '' ? key : `${path}.${key}`;
    if (next.mapper?.required === true && (item === undefined || item === null)) problems.push(`${here}: is missing`);
    else if (next.mapper === undefined && item === undefined) checkPlace({}, next, mappers, here, problems);
  }
}

const scalars: Readonly<Record<string, (value: Json) => boolean>> = {
  String: (value) => typeof value === 'string',
  Number: (value) => typeof value === 'number',
  Boolean: (value) => typeof value === 'boolean',
  TimeSpan: (value) => typeof value === 'string' && parseDuration(value) !== undefined,
  DateTime: (value) => typeof value === 'string' && !Number.isNaN(Date.parse(value)),
};

function checkValue(value: Json, mapper: Mapper, mappers: Mappers, path: string, problems: string[]): void {
  const { name, className, allowedValues, element, value: item } = mapper.type;
  if (mapper.readOnly === true) problems.push(`${path}: is read-only`);
  else if (name === 'Enum') {
    if (!allowedValues?.includes(value)) problems.push(`${path}: must be one of ${allowedValues?.join(', ')}`);
  } else if (name === 'Composite' && isObject(value)) checkModel(value, className ?? '', mappers, path, problems);
  else if (name === 'Dictionary' && isObject(value)) {
    for (const [key, one] of Object.entries(value))
      checkValue(one, item as Mapper, mappers, `${path}.${key}`, problems);
  } else if (name === 'Sequence' && Array.isArray(value)) {
    value.forEach((one: Json, i) => {
      checkValue(one, element as Mapper, mappers, `${path}[${i}]`, problems);
    });
  } else if (scalars[name]?.(value) !== true) problems.push(`${path}: must be of type ${name}, not ${kindOf(value)}`);
  else checkConstraints(value, mapper, path, problems);
}

function checkConstraints(value: Json, { constraints = {} }: Mapper, path: string, problems: string[]): void {
  const { InclusiveMinimum: least, InclusiveMaximum: most } = constraints;
  if (typeof value !== 'number') return;
  if (typeof least === 'number' && value < least) problems.push(`${path}: must be at least ${least}`);
  if (typeof most === 'number' && value > most) problems.push(`${path}: must be at most ${most}`);
}
