import { ZSTDDecoder } from 'zstddec';

/** RFC 8878, section 3.1.1: the first bytes of a frame. */
const MAGIC = 0xfd2fb528;

let decoder: Promise<ZSTDDecoder> | undefined;

/** Node 20 has no zstd of its own. This is the reference decoder as WebAssembly, loaded with the first body that needs it. */
function load(): Promise<ZSTDDecoder> {
  decoder ??= (async () => {
    const loading = new ZSTDDecoder();
    await loading.init();
    return loading;
  })();
  return decoder;
}

/**
 * Decompresses into a buffer of `limitBytes`, of which it needs no more in memory. Undefined: it is broken, or too large
 * and does not say so.
 */
export async function decompressZstd(body: Buffer, limitBytes: number): Promise<Buffer | 'too_large' | undefined> {
  const declaredBytes = declaredSizeOf(body);
  if (declaredBytes !== undefined && declaredBytes > limitBytes) return 'too_large';
  const zstd = await load();
  const { buffer, byteOffset, byteLength } = zstd.decode(body, limitBytes);
  // It gives nothing back for what it cannot decompress.
  return byteLength === 0 && declaredBytes !== 0 ? undefined : Buffer.from(buffer, byteOffset, byteLength);
}

/** The size of the content as the first frame's header tells it (section 3.1.1.1); undefined where it does not. */
function declaredSizeOf(body: Buffer): number | undefined {
  if (body.length < 6 || body.readUInt32LE(0) !== MAGIC) return undefined;
  const descriptor = body.readUInt8(4);
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 0x03] as number;
  const at = 5 + (isSingleSegment ? 0 : 1) + dictionaryBytes;
  const sizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] as number;
  if (body.length < at + sizeBytes) return undefined;
  switch (sizeBytes) {
    case 1:
      return body.readUInt8(at);
    case 2:
      return body.readUInt16LE(at) + 256;
    case 4:
      return body.readUInt32LE(at);
    case 8:
      return Number(body.readBigUInt64LE(at));
    default:
      return undefined;
  }
}
