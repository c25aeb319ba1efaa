import { type Cursor, DamagedAvro } from './avro/cursor.js';
import { type Skip, skipOf } from './avro/skip.js';
import { ArchiveError } from './errors.js';

/** An event of a file of Capture. */
export interface ArchivedEvent {
  readonly sequenceNumber: number;
  readonly offset: string;
  /** To the second: a file has no more. */
  readonly enqueuedAtMs: number;
  readonly body: Buffer;
}

type Field = 'SequenceNumber' | 'Offset' | 'EnqueuedTimeUtc' | 'Body';

/** What the fields that are read have to be. `Body` may be nothing in a file of the service. */
const TYPES: Readonly<Record<Field, readonly string[]>> = {
  SequenceNumber: ['"long"'],
  Offset: ['"string"'],
  EnqueuedTimeUtc: ['"string"'],
  Body: ['["null","bytes"]', '"bytes"'],
};

const unsupported = (what: string) => new ArchiveError('PS_ARCHIVE_UNSUPPORTED', what);

/**
 * How the events of a file are read, by its schema (`EventData` of Event Hubs Capture). The properties are passed over,
 * and so is what a later version of the service may add.
 * @throws ArchiveError PS_ARCHIVE_UNSUPPORTED
 */
export function eventReaderOf(schemaText: string): (cursor: Cursor) => ArchivedEvent {
  const fields = fieldsOf(schemaText);
  for (const [name, types] of Object.entries(TYPES)) {
    const found = JSON.stringify(fields.find((field) => field.name === name)?.type);
    if (!types.includes(found)) throw unsupported(`${name} is ${found ?? 'not there'}, not ${types[0]}`);
  }
  const steps = fields.map(({ name, type }): Step => {
    if (Object.hasOwn(TYPES, name)) return { field: name as Field, type };
    const skip = skipOf(type);
    if (skip === undefined) throw unsupported(`${name} has a type that files of Capture do not have`);
    return { skip };
  });
  return (cursor) => readEvent(cursor, steps);
}

type Step = { readonly field: Field; readonly type: unknown } | { readonly skip: Skip };

function readEvent(cursor: Cursor, steps: readonly Step[]): ArchivedEvent {
  let sequenceNumber = 0;
  let offset = '';
  let enqueuedAtMs = 0;
  let body = NOTHING;
  for (const step of steps) {
    if ('skip' in step) step.skip(cursor);
    else if (step.field === 'SequenceNumber') sequenceNumber = cursor.long();
    else if (step.field === 'Offset') offset = cursor.string();
    else if (step.field === 'EnqueuedTimeUtc') enqueuedAtMs = timeOf(cursor);
    else body = typeof step.type === 'string' || isBytes(cursor) ? cursor.bytes() : NOTHING;
  }
  if (sequenceNumber < 0) throw new DamagedAvro('a sequence number is negative', cursor.at);
  return { sequenceNumber, offset, enqueuedAtMs, body };
}

const NOTHING: Buffer = Buffer.alloc(0);

/** The branch of `["null","bytes"]` that comes. */
function isBytes(cursor: Cursor): boolean {
  const branch = cursor.long();
  if (branch !== 0 && branch !== 1) throw new DamagedAvro('a union has no such branch', cursor.at);
  return branch === 1;
}

function fieldsOf(schemaText: string): { readonly name: string; readonly type: unknown }[] {
  let schema: { readonly type?: unknown; readonly fields?: unknown } | null;
  try {
    schema = JSON.parse(schemaText);
  } catch {
    throw unsupported('the schema is no JSON');
  }
  if (schema?.type !== 'record' || !Array.isArray(schema.fields)) throw unsupported('the schema is no record');
  return schema.fields.map((field: { readonly name?: unknown; readonly type?: unknown } | null) => {
    if (typeof field?.name !== 'string') throw unsupported('a field of the schema has no name');
    return { name: field.name, type: field.type };
  });
}

/** `11/16/2016 4:44:11 PM`: how .NET writes a time in the invariant culture, and so how the service does. */
const TIME = /^(\d{1,2})\/(\d{1,2})\/(\d{4}) (\d{1,2}):(\d\d):(\d\d) (AM|PM)$/;

function timeOf(cursor: Cursor): number {
  const parts = TIME.exec(cursor.string());
  if (parts === null) throw new DamagedAvro('a time is not as the service writes times', cursor.at);
  const [month = 0, day = 0, year = 0, hour = 0, minute = 0, second = 0] = parts.slice(1, 7).map(Number);
  return Date.UTC(year, month - 1, day, (hour % 12) + (parts[7] === 'PM' ? 12 : 0), minute, second);
}
