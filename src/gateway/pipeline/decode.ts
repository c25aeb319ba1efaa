import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate, inflateRaw, type ZlibOptions } from 'node:zlib';
import { messageOf } from '../../shared/errors.js';
import { Problem } from '../problem.js';

type Decompress = (body: Buffer, options: ZlibOptions) => Promise<Buffer>;

const gunzipAsync: Decompress = promisify(gunzip);
const inflateAsync: Decompress = promisify(inflate);
const inflateRawAsync: Decompress = promisify(inflateRaw);
const brotliAsync: Decompress = promisify(brotliDecompress);

/** `deflate` means zlib's wrapping (RFC 9110, section 8.4.1.2), but some senders leave it out. CM 8 marks the wrapping. */
const hasZlibHeader = (body: Buffer) => ((body[0] ?? 0) & 0x0f) === 8 && body.readUInt16BE(0) % 31 === 0;
const decompressors: Readonly<Record<string, Decompress>> = {
  gzip: gunzipAsync,
  'x-gzip': gunzipAsync,
  deflate: (body, options) =>
    body.length > 1 && hasZlibHeader(body) ? inflateAsync(body, options) : inflateRawAsync(body, options),
  br: brotliAsync,
};

const isGzip = (body: Buffer) => body[0] === 0x1f && body[1] === 0x8b;

/** How the body is compressed, or undefined when it is not. Some senders compress without saying so. */
export function encodingOf(header: string | undefined, body: Buffer): string | undefined {
  const encoding = header?.trim().toLowerCase();
  if (encoding !== undefined && encoding !== '' && encoding !== 'identity') return encoding;
  return isGzip(body) ? 'gzip' : undefined;
}

export function createDecode(options: { readonly bodyBytes: number }) {
  /** Decompresses, up to the limit of a body and not a byte further. */
  return async function decode(body: Buffer, encoding: string): Promise<Buffer | Problem> {
    const decompress = Object.hasOwn(decompressors, encoding) ? decompressors[encoding] : undefined;
    if (decompress === undefined) {
      return new Problem('PS_ENCODING_UNSUPPORTED', 'Content-Encoding may be gzip, deflate, br or identity');
    }
    try {
      return await decompress(body, { maxOutputLength: options.bodyBytes });
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
        ? new Problem('PS_BODY_TOO_LARGE', `At most ${options.bodyBytes} bytes after decompression`)
        : new Problem('PS_BODY_ENCODING_BROKEN', messageOf(error));
    }
  };
}
