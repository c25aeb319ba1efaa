/** zstd frames (RFC 8878, section 3.1.1) of the two kinds of block that need no compressor. */
const MAGIC = Buffer.from('28b52ffd', 'hex');
/** A content size of 8 bytes. */
const WITH_SIZE = 0xc0;
/** A window of 128 KB: exponent 7, mantissa 0. */
const WINDOW = 7 << 3;
const MAX_BLOCK_BYTES = 128 * 1024;

const RAW = 0;
const RLE = 1;

function blockHeader(type: number, bytes: number, isLast: boolean): Buffer {
  const header = Buffer.alloc(3);
  header.writeUIntLE((bytes << 3) | (type << 1) | (isLast ? 1 : 0), 0, 3);
  return header;
}

function frame(sizeBytes: number, tellsSize: boolean, blocks: readonly Buffer[]): Buffer {
  const size = Buffer.alloc(tellsSize ? 8 : 0);
  if (tellsSize) size.writeBigUInt64LE(BigInt(sizeBytes));
  return Buffer.concat([MAGIC, Buffer.from([tellsSize ? WITH_SIZE : 0, WINDOW]), size, ...blocks]);
}

export function rawZstd(text: string, tellsSize = true): Buffer {
  const bytes = Buffer.from(text);
  return frame(bytes.length, tellsSize, [blockHeader(RAW, bytes.length, true), bytes]);
}

/** So many spaces in four bytes for each 128 KB. */
export function zstdBomb(bytes: number, tellsSize = true): Buffer {
  const blocks: Buffer[] = [];
  for (let left = bytes; left > 0; left -= MAX_BLOCK_BYTES) {
    const here = Math.min(left, MAX_BLOCK_BYTES);
    blocks.push(blockHeader(RLE, here, left === here), Buffer.from(' '));
  }
  return frame(bytes, tellsSize, blocks);
}

/** Twenty page views, `e0` to `e19`, from `zstd -19`: of a file, with the size, and of a stream, without. */
export const RECORDED_ZSTD = [
  'KLUv/WRBBRUFAGKIGhlgrQ5TOYLWe+I9PocQ61CWZUnToKAgCMcBRM4tLx8fDw///u7u3t7Ozr6+/v+XMkYI33OuNcbW+lXOHQCNYzz1Mhjo2YhDcU+zVUM9uwrNcxVpuQtt1YHt2TVp1ZFNoMIeFPdsiyWnpyEnqBFA7v5vOcAzWg0RNAT/7xDsAiNcH8Opw6nDqcM5TS2zURY05vo6babpOHnQVSKWxgJaFWowPmE=',
  'KLUv/QRoFQUAYogaGWCtDlM5gtZ74j0+hxDrUJZlSdOgoCAIxwFEzi0vHx8PD//+7u7e3s7Ovr7+/5cyRgjfc641xtb6Vc4dAI1jPPUyGOjZiENxT7NVQz27Cs1zFWm5C23Vge3ZNWnVkU2gwh4U92yLJaenISeoEUDu/m85wDNaDRE0BP/vEOwCI1wfw6nDqcOpwzlNLbNRFjTm+jptpuk4edBVIpbGAloVajA+YQ==',
].map((text) => Buffer.from(text, 'base64'));
