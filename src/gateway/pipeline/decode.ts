import type { Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from 'node:zlib';
import { messageOf } from '../../shared/errors.js';
import { createSlots } from '../../shared/turns.js';
import { Problem } from '../problem.js';
import type { Hold } from '../publish/budget.js';
import { Gathering, noRoom } from './gather.js';
import { decompressZstd } from './zstd.js';

/** `deflate` means zlib's wrapping (RFC 9110, section 8.4.1.2), but some senders leave it out. CM 8 marks the wrapping. */
const hasZlibHeader = (body: Buffer) =>
  body.length > 1 && ((body[0] ?? 0) & 0x0f) === 8 && body.readUInt16BE(0) % 31 === 0;

const decompressors: Readonly<Record<string, (body: Buffer) => Transform>> = {
  gzip: () => createGunzip(),
  'x-gzip': () => createGunzip(),
  deflate: (body) => (hasZlibHeader(body) ? createInflate() : createInflateRaw()),
  br: () => createBrotliDecompress(),
};

const isGzip = (body: Buffer) => body[0] === 0x1f && body[1] === 0x8b;

/** How the body is compressed, or undefined when it is not. Some senders compress without saying so. */
export function encodingOf(header: string | undefined, body: Buffer): string | undefined {
  const encoding = header?.trim().toLowerCase();
  if (encoding !== undefined && encoding !== '' && encoding !== 'identity') return encoding;
  return isGzip(body) ? 'gzip' : undefined;
}

export interface DecodeOptions {
  /** Largest body once it is decompressed. */
  readonly decompressedBytes: number;
}

/** Each may take a window of 16 MB (RFC 7932, section 9.1) whatever it holds; more at once are no faster either. */
const AT_ONCE = 4;

type Decoded = Buffer | 'too_large' | 'no_room' | 'broken';

export function createDecode({ decompressedBytes }: DecodeOptions, retryAfterSeconds: () => number) {
  const inSlot = createSlots(AT_ONCE);

  async function zstd(body: Buffer, hold: Hold): Promise<Decoded> {
    // The decoder wants a buffer for the largest result; of what it does not fill nothing is kept.
    if (!hold.cover(body.length + decompressedBytes)) return 'no_room';
    return (await decompressZstd(body, decompressedBytes)) ?? 'broken';
  }

  function inflate(body: Buffer, hold: Hold, stream: Transform): Promise<Decoded> {
    const gathering = new Gathering(hold, { limitBytes: decompressedBytes, besideBytes: body.length });
    return new Promise((resolve, reject) => {
      stream.on('data', (piece: Buffer) => {
        const gathered = gathering.add(piece);
        if (gathered === 'taken') return;
        stream.destroy();
        resolve(gathered);
      });
      stream.once('end', () => resolve(gathering.bytes()));
      stream.once('error', reject);
      stream.end(body);
    });
  }

  /** Decompresses, up to the limit and not a byte further. What it takes is counted in `hold`. */
  return async function decode(body: Buffer, encoding: string, hold: Hold): Promise<Buffer | Problem> {
    const createStream = Object.hasOwn(decompressors, encoding) ? decompressors[encoding] : undefined;
    if (createStream === undefined && encoding !== 'zstd') {
      return new Problem('PS_ENCODING_UNSUPPORTED', 'Content-Encoding may be gzip, deflate, br, zstd or identity');
    }
    try {
      const decoded = await inSlot(() =>
        createStream === undefined ? zstd(body, hold) : inflate(body, hold, createStream(body)),
      );
      if (Buffer.isBuffer(decoded)) return decoded;
      if (decoded === 'no_room') return noRoom(retryAfterSeconds());
      return decoded === 'too_large'
        ? new Problem('PS_BODY_TOO_LARGE', `At most ${decompressedBytes} bytes after decompression`)
        : new Problem('PS_BODY_ENCODING_BROKEN', 'This is not zstd, or it is too large and does not say so');
    } catch (error) {
      return new Problem('PS_BODY_ENCODING_BROKEN', messageOf(error));
    }
  };
}
