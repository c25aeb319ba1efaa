import { errorAt } from './errors.js';
import { isObject, type Json, type JsonObject, kindOf, pathTo } from './json.js';
import type { CaptureDefinition } from './types.js';

/** Azure's defaults of a captured hub. */
const DEFAULT_INTERVAL_SECONDS = 300;
const DEFAULT_SIZE_LIMIT_BYTES = 314_572_800;
const DEFAULT_NAME_FORMAT = '{Namespace}/{EventHub}/{PartitionId}/{Year}/{Month}/{Day}/{Hour}/{Minute}/{Second}';
const BLOB_DESTINATION = 'EventHubArchive.AzureBlockBlob';

type Kind = 'string' | 'number' | 'boolean';
type Of<K extends Kind> = K extends 'string' ? string : K extends 'number' ? number : boolean;

function read<K extends Kind>(from: JsonObject, path: string, name: string, kind: K, fallback?: Of<K>): Of<K> {
  const value = from[name] ?? fallback;
  if (typeof value === kind) return value as Of<K>;
  throw errorAt(pathTo(path, name), 'PS_TOPOLOGY_INVALID', `must be a ${kind}, not ${kindOf(value)}`);
}

function objectAt(from: JsonObject, path: string, name: string): [JsonObject, string] {
  const value = from[name];
  const at = pathTo(path, name);
  if (!isObject(value)) throw errorAt(at, 'PS_TOPOLOGY_INVALID', `must be an object, not ${kindOf(value)}`);
  return [value, at];
}

export interface CapturePlace {
  /** Where the description stands in what was given; errors begin with it. */
  readonly path: string;
  /** What `{Namespace}` stands for. */
  readonly namespace: string;
}

/**
 * The `captureDescription` of a hub, as templates have it; undefined when it has none or it is switched off. What the
 * administration API gets is read by the same rules.
 * @throws TopologyError PS_TOPOLOGY_INVALID, naming the property
 */
export function readCapture(
  description: Json | undefined,
  { path, namespace }: CapturePlace,
): CaptureDefinition | undefined {
  if (description === undefined || description === null) return undefined;
  if (!isObject(description)) throw errorAt(path, 'PS_TOPOLOGY_INVALID', 'must be an object');
  if (!read(description, path, 'enabled', 'boolean', false)) return undefined;
  const encoding = read(description, path, 'encoding', 'string', 'Avro');
  if (encoding !== 'Avro' && encoding !== 'AvroDeflate') {
    throw errorAt(pathTo(path, 'encoding'), 'PS_TOPOLOGY_INVALID', 'must be Avro or AvroDeflate');
  }
  const [destination, at] = objectAt(description, path, 'destination');
  if (read(destination, at, 'name', 'string') !== BLOB_DESTINATION) {
    throw errorAt(pathTo(at, 'name'), 'PS_TOPOLOGY_INVALID', `must be ${BLOB_DESTINATION}: nothing else is written to`);
  }
  const [target, targetPath] = objectAt(destination, at, 'properties');
  const account = target['storageAccountResourceId'] ?? undefined;
  return {
    encoding,
    intervalMs: read(description, path, 'intervalInSeconds', 'number', DEFAULT_INTERVAL_SECONDS) * 1000,
    sizeLimitBytes: read(description, path, 'sizeLimitInBytes', 'number', DEFAULT_SIZE_LIMIT_BYTES),
    skipEmptyArchives: read(description, path, 'skipEmptyArchives', 'boolean', false),
    container: read(target, targetPath, 'blobContainer', 'string'),
    nameFormat: read(target, targetPath, 'archiveNameFormat', 'string', DEFAULT_NAME_FORMAT),
    namespace,
    ...(account === undefined
      ? {}
      : { storageAccountResourceId: read(target, targetPath, 'storageAccountResourceId', 'string') }),
  };
}
