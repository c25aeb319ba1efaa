import { promisify } from 'node:util';
import { constants, gunzip, gzip } from 'node:zlib';
import { z } from 'zod';
import type { SavedState } from './partition.js';

/**
 * A saved state as bytes: `PSS1`, the length of the compressed JSON (32 bits, big-endian), that JSON, the two counts of
 * remembered ids (32 bits each), and the ids themselves, which no compression makes smaller. State and position are one
 * file, so they are written together or not at all.
 */
const MAGIC = 'PSS1';
const HEADER_BYTES = 8;
const MAX_JSON_BYTES = 1 << 30;

const compress = promisify(gzip);
const decompress = promisify(gunzip);

const counters = z.array(z.tuple([z.number(), z.array(z.string()), z.array(z.union([z.number(), z.string()]))]));
const savedSchema = z.object({
  position: z.object({ sequenceNumber: z.int(), offset: z.string(), enqueuedAtMs: z.number() }),
  watermarkMs: z.number().nullable(),
  panes: z.record(z.string(), counters),
  lists: z.record(z.string(), z.array(z.object({ key: z.string(), timeMs: z.number(), entry: z.unknown() }))),
  totals: counters,
  visitors: z.array(z.tuple([z.string(), z.array(z.number()), z.array(z.number())])),
  sessions: z.object({
    folds: z.array(z.string()),
    keys: z.array(z.tuple([z.string(), z.array(z.tuple([z.number(), z.number()], z.union([z.number(), z.string()])))])),
  }),
  idsRotatedAtMs: z.number().nullable(),
});

export async function encodeSnapshot(state: SavedState): Promise<Buffer> {
  const { ids, ...rest } = state;
  const idsRotatedAtMs = Number.isFinite(ids.rotatedAtMs) ? ids.rotatedAtMs : null;
  const json = Buffer.from(JSON.stringify({ ...rest, idsRotatedAtMs }));
  const packed = await compress(json, { level: constants.Z_BEST_SPEED });
  const header = Buffer.alloc(HEADER_BYTES);
  header.write(MAGIC, 'latin1');
  header.writeUInt32BE(packed.length, MAGIC.length);
  const counts = Buffer.alloc(8);
  counts.writeUInt32BE(ids.current.length, 0);
  counts.writeUInt32BE(ids.previous.length, 4);
  return Buffer.concat([header, packed, counts, bytesOf(ids.current), bytesOf(ids.previous)]);
}

/** @throws when the bytes are not a whole snapshot of this form. */
export async function decodeSnapshot(bytes: Buffer): Promise<SavedState> {
  if (bytes.toString('latin1', 0, MAGIC.length) !== MAGIC) throw new Error('not a snapshot of this version');
  const countsAt = HEADER_BYTES + bytes.readUInt32BE(MAGIC.length);
  const json = await decompress(bytes.subarray(HEADER_BYTES, countsAt), { maxOutputLength: MAX_JSON_BYTES });
  const { idsRotatedAtMs, ...state } = savedSchema.parse(JSON.parse(json.toString('utf8')));
  const currentAt = countsAt + 8;
  const previousAt = currentAt + bytes.readUInt32BE(countsAt) * 4;
  const end = previousAt + bytes.readUInt32BE(countsAt + 4) * 4;
  if (end !== bytes.length) throw new Error('the snapshot is cut short');
  return {
    ...state,
    ids: {
      rotatedAtMs: idsRotatedAtMs ?? Number.NEGATIVE_INFINITY,
      current: wordsOf(bytes.subarray(currentAt, previousAt)),
      previous: wordsOf(bytes.subarray(previousAt, end)),
    },
  };
}

const bytesOf = (words: Uint32Array) => Buffer.from(words.buffer, words.byteOffset, words.byteLength);

function wordsOf(bytes: Buffer): Uint32Array {
  const copy = new Uint8Array(bytes);
  return new Uint32Array(copy.buffer, 0, copy.length / 4);
}
