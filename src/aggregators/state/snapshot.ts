import { promisify } from 'node:util';
import { constants, crc32, createGzip, gunzip } from 'node:zlib';
import { z } from 'zod';
import { messageOf } from '../../shared/errors.js';
import { savedBehaviours } from '../behaviour/saved.js';
import { AggregatorError } from '../errors.js';
import type { SavedIds } from './id-history.js';
import type { SavedState } from './saved.js';
import type { Column } from './slots.js';

/**
 * A saved state as bytes: `PSS4`, the CRC-32 of all that follows, and a list of sections: a compressed one, and tables of
 * hashes, which no compression makes smaller. The compressed one is itself a list: columns of visitors and sessions, and
 * JSON of the rest. A list begins with the lengths of its sections. Words and numbers are little-endian, lengths big-endian.
 * State and position are one file, so they are written together or not at all.
 */
const MAGIC = 'PSS4';
const FAMILY = /^PSS\d$/;
const HEADER_BYTES = 8;
const LENGTH_BYTES = 4;
const MAX_UNPACKED_BYTES = 1 << 30;
const COMPRESSED_CHUNK_BYTES = 256 * 1024;

const decompress = promisify(gunzip);

const counters = z.array(
  z.tuple([
    z.number(),
    z.array(z.string()),
    z.array(z.union([z.number(), z.string()])),
    z.int().nonnegative().optional(),
    z.literal(true).optional(),
  ]),
);
const savedIds = z.object({
  seed: z.tuple([z.number(), z.number()]),
  rotatedAtMs: z.number().nullable(),
  /** A state of an earlier version does not tell these. */
  rotatedWatermarkMs: z.number().nullable().default(null),
  knownSinceMs: z.number().nullable().default(null),
});
const savedSchema = z.object({
  position: z.object({ sequenceNumber: z.int(), offset: z.string(), enqueuedAtMs: z.number() }),
  watermarkMs: z.number().nullable(),
  panes: z.record(z.string(), counters),
  lists: z.record(z.string(), z.array(z.object({ key: z.string(), timeMs: z.number(), entry: z.unknown() }))),
  totals: counters,
  late: z
    .array(
      z.object({
        sequenceNumber: z.int(),
        index: z.int(),
        id: z.string(),
        type: z.string(),
        timeMs: z.number(),
        enqueuedAtMs: z.number(),
        behindMs: z.number(),
        metrics: z.record(z.string(), z.number()),
      }),
    )
    .optional(),
  folds: z.array(z.string()),
  /** A state of an earlier version has none. */
  otherStates: z.array(z.array(z.union([z.number(), z.string()]))).default([]),
  behaviours: savedBehaviours.optional(),
  ids: savedIds,
  messageIds: savedIds,
});

/** The sections, in their order. */
const SECTIONS = [
  'packed',
  'current',
  'previous',
  'currentMessages',
  'previousMessages',
  'visitorKeys',
  'sessionKeys',
] as const;
const PACKED_SECTIONS = ['records', 'newest', 'startMs', 'lastMs', 'previous', 'states', 'json'] as const;

type Sections<Name extends string> = Readonly<Record<Name, Buffer>>;

export async function encodeSnapshot(state: SavedState): Promise<Buffer> {
  const { ids, messageIds, visitors, sessions, ...rest } = state;
  const { folds, otherStates, keys, ...sessionColumns } = sessions;
  const packing = listOf(PACKED_SECTIONS, {
    records: bytesOf(visitors.records),
    newest: bytesOf(sessionColumns.newest),
    startMs: bytesOf(sessionColumns.startMs),
    lastMs: bytesOf(sessionColumns.lastMs),
    previous: bytesOf(sessionColumns.previous),
    states: bytesOf(sessionColumns.states),
    json: Buffer.from(
      JSON.stringify({ ...rest, folds, otherStates, ids: headOf(ids), messageIds: headOf(messageIds) }),
    ),
  });
  const body = listOf(SECTIONS, {
    packed: await compress(packing),
    current: bytesOf(ids.current),
    previous: bytesOf(ids.previous),
    currentMessages: bytesOf(messageIds.current),
    previousMessages: bytesOf(messageIds.previous),
    visitorKeys: bytesOf(visitors.keys),
    sessionKeys: bytesOf(keys),
  });
  const bytes = Buffer.concat([Buffer.alloc(HEADER_BYTES), ...body]);
  bytes.write(MAGIC, 'latin1');
  bytes.writeUInt32BE(crc32(bytes.subarray(HEADER_BYTES)), MAGIC.length);
  return bytes;
}

/** How states are kept as blobs. */
export const snapshotCodec = { encode: encodeSnapshot, decode: decodeSnapshot };

/** @throws AggregatorError PS_SNAPSHOT_UNREADABLE, or PS_SNAPSHOT_VERSION for the form of a newer version. */
export async function decodeSnapshot(bytes: Buffer): Promise<SavedState> {
  const magic = bytes.toString('latin1', 0, MAGIC.length);
  if (magic !== MAGIC && FAMILY.test(magic))
    throw new AggregatorError('PS_SNAPSHOT_VERSION', `the saved state has the form ${magic}, which is not known here`);
  try {
    if (magic !== MAGIC) throw new Error('it does not begin like one');
    return await decodeBody(bytes);
  } catch (cause) {
    throw new AggregatorError('PS_SNAPSHOT_UNREADABLE', `the saved state is damaged: ${messageOf(cause)}`, { cause });
  }
}

async function decodeBody(bytes: Buffer): Promise<SavedState> {
  const body = bytes.subarray(HEADER_BYTES);
  if (bytes.readUInt32BE(MAGIC.length) !== crc32(body)) throw new Error('its checksum is another');
  const tables = sectionsOf(SECTIONS, body);
  const unpacked = await decompress(tables.packed, { maxOutputLength: MAX_UNPACKED_BYTES });
  const columns = sectionsOf(PACKED_SECTIONS, unpacked);
  const { ids, messageIds, folds, otherStates, ...state } = savedSchema.parse(
    JSON.parse(columns.json.toString('utf8')),
  );
  return {
    ...state,
    visitors: { keys: wordsOf(tables.visitorKeys), records: new Int32Array(copyOf(columns.records)) },
    sessions: {
      folds,
      otherStates,
      keys: wordsOf(tables.sessionKeys),
      newest: new Int32Array(copyOf(columns.newest)),
      startMs: new Float64Array(copyOf(columns.startMs)),
      lastMs: new Float64Array(copyOf(columns.lastMs)),
      previous: new Int32Array(copyOf(columns.previous)),
      states: new Float64Array(copyOf(columns.states)),
    },
    ids: historyOf(ids, wordsOf(tables.current), wordsOf(tables.previous)),
    messageIds: historyOf(messageIds, wordsOf(tables.currentMessages), wordsOf(tables.previousMessages)),
  };
}

/** Part by part: to join them first would take as long as to copy the state. */
async function compress(parts: readonly Buffer[]): Promise<Buffer> {
  const gzip = createGzip({ level: constants.Z_BEST_SPEED, chunkSize: COMPRESSED_CHUNK_BYTES });
  for (const part of parts) gzip.write(part);
  gzip.end();
  return Buffer.concat(await gzip.toArray());
}

/** The lengths of the sections, and these. */
function listOf<Name extends string>(names: readonly Name[], sections: Sections<Name>): Buffer[] {
  const lengths = Buffer.alloc(names.length * LENGTH_BYTES);
  for (const [index, name] of names.entries()) lengths.writeUInt32BE(sections[name].length, index * LENGTH_BYTES);
  return [lengths, ...names.map((name) => sections[name])];
}

function sectionsOf<Name extends string>(names: readonly Name[], list: Buffer): Sections<Name> {
  let at = names.length * LENGTH_BYTES;
  const sections = names.map((name, index) => {
    const from = at;
    at += list.readUInt32BE(index * LENGTH_BYTES);
    return [name, list.subarray(from, at)] as const;
  });
  if (at !== list.length) throw new Error('the snapshot is cut short');
  return Object.fromEntries(sections) as Sections<Name>;
}

const headOf = ({ seed, rotatedAtMs, rotatedWatermarkMs, knownSinceMs }: SavedIds) => ({
  seed,
  rotatedAtMs: finiteOrNull(rotatedAtMs),
  rotatedWatermarkMs: finiteOrNull(rotatedWatermarkMs),
  knownSinceMs: finiteOrNull(knownSinceMs),
});

const finiteOrNull = (ms: number) => (Number.isFinite(ms) ? ms : null);
const orNever = (ms: number | null) => ms ?? Number.NEGATIVE_INFINITY;

function historyOf(
  { seed, ...times }: z.infer<typeof savedIds>,
  current: Uint32Array,
  previous: Uint32Array,
): SavedIds {
  const rotatedAtMs = orNever(times.rotatedAtMs);
  const rotatedWatermarkMs = orNever(times.rotatedWatermarkMs);
  return { seed, rotatedAtMs, rotatedWatermarkMs, knownSinceMs: orNever(times.knownSinceMs), current, previous };
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Column) => Buffer.from(buffer, byteOffset, byteLength);

/** A column has to begin where its numbers may, and must not keep all that was read. */
const copyOf = (bytes: Buffer): ArrayBuffer => new Uint8Array(bytes).buffer;
const wordsOf = (bytes: Buffer) => new Uint32Array(copyOf(bytes));
