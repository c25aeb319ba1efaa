import { promisify } from 'node:util';
import { constants, gunzip, gzip } from 'node:zlib';
import { z } from 'zod';
import { messageOf } from '../../shared/errors.js';
import { savedBehaviours } from '../behaviour/saved.js';
import { AggregatorError } from '../errors.js';
import type { SavedIds } from './id-history.js';
import type { SavedState } from './partition.js';

/**
 * A saved state as bytes: `PSS3`, the length of its compressed part (32 bits, big-endian), that part, the four counts of
 * remembered ids (32 bits each), and the ids themselves, which no compression makes smaller. The compressed part has the
 * lengths of the three sections in it (32 bits each) and those: visitors, sessions, and JSON of the rest. State and
 * position are one file, so they are written together or not at all.
 */
const MAGIC = 'PSS3';
const FAMILY = /^PSS\d$/;
const HEADER_BYTES = 8;
const LENGTHS_BYTES = 12;
const COUNTS_BYTES = 16;
const MAX_UNPACKED_BYTES = 1 << 30;

const compress = promisify(gzip);
const decompress = promisify(gunzip);

const counters = z.array(
  z.tuple([
    z.number(),
    z.array(z.string()),
    z.array(z.union([z.number(), z.string()])),
    z.int().nonnegative().optional(),
  ]),
);
const savedIds = z.object({ seed: z.tuple([z.number(), z.number()]), rotatedAtMs: z.number().nullable() });
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
  behaviours: savedBehaviours.optional(),
  ids: savedIds,
  messageIds: savedIds,
});

export async function encodeSnapshot(state: SavedState): Promise<Buffer> {
  const { ids, messageIds, visitors, sessions, ...rest } = state;
  const { folds, keys } = sessions;
  const json = Buffer.from(JSON.stringify({ ...rest, folds, ids: headOf(ids), messageIds: headOf(messageIds) }));
  const sections = [visitors, keys, json];
  const lengths = wordsToBytes(sections.map(({ length }) => length));
  const packed = await compress(Buffer.concat([lengths, ...sections]), { level: constants.Z_BEST_SPEED });
  const tables = [ids.current, ids.previous, messageIds.current, messageIds.previous];
  const counts = wordsToBytes(tables.map(({ length }) => length));
  return Buffer.concat([
    Buffer.from(MAGIC, 'latin1'),
    wordsToBytes([packed.length]),
    packed,
    counts,
    ...tables.map(bytesOf),
  ]);
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
  const countsAt = HEADER_BYTES + bytes.readUInt32BE(MAGIC.length);
  const unpacked = await decompress(bytes.subarray(HEADER_BYTES, countsAt), { maxOutputLength: MAX_UNPACKED_BYTES });
  const [visitors, keys, json] = sectionsOf(unpacked);
  const { ids, messageIds, folds, ...state } = savedSchema.parse(JSON.parse(json.toString('utf8')));
  let at = countsAt + COUNTS_BYTES;
  const [current, previous, currentMessages, previousMessages] = [0, 1, 2, 3].map((index) => {
    const from = at;
    at += bytes.readUInt32BE(countsAt + index * 4) * 4;
    return wordsOf(bytes.subarray(from, at));
  }) as [Uint32Array, Uint32Array, Uint32Array, Uint32Array];
  if (at !== bytes.length) throw new Error('the snapshot is cut short');
  return {
    ...state,
    visitors,
    sessions: { folds, keys },
    ids: historyOf(ids, current, previous),
    messageIds: historyOf(messageIds, currentMessages, previousMessages),
  };
}

function sectionsOf(unpacked: Buffer): [Buffer, Buffer, Buffer] {
  let at = LENGTHS_BYTES;
  return [0, 1, 2].map((index) => {
    const from = at;
    at += unpacked.readUInt32BE(index * 4);
    return unpacked.subarray(from, at);
  }) as [Buffer, Buffer, Buffer];
}

function wordsToBytes(words: readonly number[]): Buffer {
  const bytes = Buffer.alloc(words.length * 4);
  for (const [index, word] of words.entries()) bytes.writeUInt32BE(word, index * 4);
  return bytes;
}

const headOf = ({ seed, rotatedAtMs }: SavedIds) => ({
  seed,
  rotatedAtMs: Number.isFinite(rotatedAtMs) ? rotatedAtMs : null,
});

function historyOf(
  { seed, rotatedAtMs }: z.infer<typeof savedIds>,
  current: Uint32Array,
  previous: Uint32Array,
): SavedIds {
  return { seed, rotatedAtMs: rotatedAtMs ?? Number.NEGATIVE_INFINITY, current, previous };
}

const bytesOf = (words: Uint32Array) => Buffer.from(words.buffer, words.byteOffset, words.byteLength);

function wordsOf(bytes: Buffer): Uint32Array {
  const copy = new Uint8Array(bytes);
  return new Uint32Array(copy.buffer, 0, copy.length / 4);
}
