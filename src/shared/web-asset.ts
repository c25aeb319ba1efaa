import { createHash } from 'node:crypto';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

export type ContentEncoding = 'br' | 'gzip' | 'identity';

/** A file for browsers, compressed once and kept in memory. */
export interface WebAsset {
  readonly contentType: string;
  readonly bodies: Readonly<Record<ContentEncoding, Buffer>>;
  /** Strong entity tags: each encoding has its own, since the bytes differ (RFC 9110, section 8.8.3.3). */
  readonly etags: Readonly<Record<ContentEncoding, string>>;
}

export function packAsset(content: Buffer, contentType: string): WebAsset {
  const digest = createHash('sha256').update(content).digest('base64url').slice(0, 22);
  return {
    contentType,
    bodies: {
      identity: content,
      gzip: gzipSync(content, { level: 9 }),
      br: brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: content.length } }),
    },
    etags: { identity: `"${digest}"`, gzip: `"${digest}-gzip"`, br: `"${digest}-br"` },
  };
}

/** The smallest encoding that the client takes (RFC 9110, section 12.5.3); a client that refuses all gets `identity`. */
export function chooseEncoding(acceptEncoding: string | undefined): ContentEncoding {
  const weights = new Map<string, number>();
  for (const part of (acceptEncoding ?? '').slice(0, 256).split(',')) {
    const [name, ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    const quality = parameters.find((text) => text.startsWith('q='));
    if (name) weights.set(name, quality === undefined ? 1 : Number(quality.slice(2)));
  }
  const accepts = (name: string) => (weights.get(name) ?? weights.get('*') ?? 0) > 0;
  return accepts('br') ? 'br' : accepts('gzip') ? 'gzip' : 'identity';
}

/** Whether the client holds these very bytes already (`If-None-Match`; weak comparison, RFC 9110, section 13.1.2). */
export function holdsAsset(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  return ifNoneMatch.split(',').some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === etag);
}
