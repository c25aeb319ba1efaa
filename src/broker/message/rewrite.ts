import type { FilterValue } from '../topology/types.js';
import { mapEntries } from './decode.js';
import { encodeFilterValue, encodeString, mapSection } from './encode.js';
import { findSection, SECTION, type Section, scanSections } from './scan.js';
import { readCompound, skipValue } from './wire.js';

/** Changes of a bare message. An application property whose value is undefined is removed. */
export interface BareChanges {
  readonly applicationProperties: ReadonlyMap<string, FilterValue | undefined>;
  /** By position in the properties section. */
  readonly properties?: ReadonlyMap<number, FilterValue>;
}

function rewriteProperties(bare: Buffer, valueStart: number | undefined, changes: ReadonlyMap<number, FilterValue>) {
  const elements: Buffer[] = [];
  if (valueStart !== undefined) {
    const { count, start } = readCompound(bare, valueStart, 'list');
    for (let index = 0, at = start; index < count; index++) {
      const end = skipValue(bare, at);
      elements.push(bare.subarray(at, end));
      at = end;
    }
  }
  for (const [index, value] of changes) {
    while (elements.length <= index) elements.push(Buffer.of(0x40));
    elements[index] = encodeFilterValue(value);
  }
  const content = Buffer.concat(elements);
  const head = Buffer.from([0x00, 0x53, SECTION.properties, 0xd0, 0, 0, 0, 0, 0, 0, 0, 0]);
  head.writeUInt32BE(content.length + 4, 4);
  head.writeUInt32BE(elements.length, 8);
  return Buffer.concat([head, content]);
}

function rewriteApplicationProperties(
  bare: Buffer,
  section: Section | undefined,
  changes: BareChanges['applicationProperties'],
): Buffer {
  const changed = new Set([...changes.keys()].map((name) => name.toLowerCase()));
  const entries: Buffer[] = [];
  for (const entry of section ? mapEntries(bare, section.valueStart) : []) {
    if (!changed.has(entry.key.toLowerCase())) entries.push(bare.subarray(entry.start, entry.end));
  }
  for (const [name, value] of changes) {
    if (value !== undefined) entries.push(Buffer.concat([encodeString(name), encodeFilterValue(value)]));
  }
  return entries.length > 0 ? mapSection(SECTION.applicationProperties, entries) : Buffer.alloc(0);
}

/**
 * The bare message with some properties changed. Names of application properties ignore case, as in filters; the body and
 * everything that is not named keep their bytes.
 */
export function rewriteBare(bare: Buffer, changes: BareChanges): Buffer {
  const sections = scanSections(bare);
  const properties = findSection(sections, SECTION.properties);
  const application = findSection(sections, SECTION.applicationProperties);
  const bodyStart = application?.end ?? properties?.end ?? 0;
  const head =
    changes.properties && changes.properties.size > 0
      ? rewriteProperties(bare, properties?.valueStart, changes.properties)
      : bare.subarray(0, properties?.end ?? 0);
  const map =
    changes.applicationProperties.size > 0
      ? rewriteApplicationProperties(bare, application, changes.applicationProperties)
      : bare.subarray(application?.start ?? bodyStart, bodyStart);
  return Buffer.concat([head, map, bare.subarray(bodyStart)]);
}
