import { messageOf } from '../../../shared/errors.js';
import { readCapture } from '../../topology/capture.js';
import { TopologyError } from '../../topology/errors.js';
import type { JsonObject } from '../../topology/json.js';
import type { CaptureDefinition } from '../../topology/types.js';
import { badRequest } from '../errors.js';
import { createFields, type Fields } from '../fields.js';
import { childOf, type Element, field, tag, type Xml } from '../xml.js';

/*
 * The `CaptureDescription` of a hub. The service has no published schema of it as XML: elements are named and ordered as
 * the properties of Microsoft.EventHub/namespaces/eventhubs, which is what it is read as.
 */

const BLOB_DESTINATION = 'EventHubArchive.AzureBlockBlob';

const TARGET_FIELDS = {
  StorageAccountResourceId: 'storageAccountResourceId',
  BlobContainer: 'blobContainer',
  ArchiveNameFormat: 'archiveNameFormat',
} as const;

type Kind = 'text' | 'integer' | 'boolean';

/** What is given, under its name in a template; nothing of what is absent or empty. */
function given(fields: Fields, kind: Kind, names: Readonly<Record<string, string>>): JsonObject {
  const found: Record<string, string | number | boolean> = {};
  for (const [name, property] of Object.entries(names)) {
    const text = fields.text(name);
    if (text === undefined) continue;
    if (kind === 'text') found[property] = text;
    else found[property] = kind === 'integer' ? fields.integer(name, 0) : fields.boolean(name, false);
  }
  return found;
}

/** The properties as elements, or as the pairs that .NET writes of a dictionary. */
function readTarget(properties: Element): JsonObject {
  const pairs = properties.children.filter(({ name }) => name.startsWith('KeyValueOf'));
  if (pairs.length === 0) return given(createFields(properties), 'text', TARGET_FIELDS);
  const children = pairs.flatMap((pair) => {
    const [key, value] = [childOf(pair, 'Key'), childOf(pair, 'Value')];
    return key && value ? [{ ...value, name: key.text.trim() }] : [];
  });
  return given(createFields({ ...properties, children }), 'text', TARGET_FIELDS);
}

function readDestination(destination: Element): JsonObject {
  const properties = childOf(destination, 'Properties');
  return {
    ...given(createFields(destination), 'text', { Name: 'name' }),
    ...(properties && { properties: readTarget(properties) }),
  };
}

/**
 * Reads a CaptureDescription; undefined when it is switched off.
 * @throws AdminError PS_ADMIN_BAD_REQUEST
 */
export function readCaptureElement(element: Element, namespace: string): CaptureDefinition | undefined {
  const fields = createFields(element);
  const destination = childOf(element, 'Destination');
  const description: JsonObject = {
    ...given(fields, 'boolean', { Enabled: 'enabled', SkipEmptyArchives: 'skipEmptyArchives' }),
    ...given(fields, 'text', { Encoding: 'encoding' }),
    ...given(fields, 'integer', { IntervalInSeconds: 'intervalInSeconds', SizeLimitInBytes: 'sizeLimitInBytes' }),
    ...(destination && { destination: readDestination(destination) }),
  };
  try {
    return readCapture(description, { path: 'captureDescription', namespace });
  } catch (error) {
    if (error instanceof TopologyError) throw badRequest(`${messageOf(error)}.`);
    throw error;
  }
}

export const captureElement = (capture: CaptureDefinition): Xml =>
  tag(
    'CaptureDescription',
    {},
    field('Enabled', true),
    field('Encoding', capture.encoding),
    field('IntervalInSeconds', capture.intervalMs / 1000),
    field('SizeLimitInBytes', capture.sizeLimitBytes),
    tag(
      'Destination',
      {},
      field('Name', BLOB_DESTINATION),
      tag(
        'Properties',
        {},
        field('StorageAccountResourceId', capture.storageAccountResourceId),
        field('BlobContainer', capture.container),
        field('ArchiveNameFormat', capture.nameFormat),
      ),
    ),
    field('SkipEmptyArchives', capture.skipEmptyArchives),
  );
