import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { chooseEncoding, holdsAsset, packAsset } from '../../src/shared/web-asset.js';

describe('a web asset', () => {
  it('is the same in every encoding, and each encoding has a tag of its own', () => {
    const content = Buffer.from('drop '.repeat(500));
    const { bodies, etags } = packAsset(content, 'text/plain');
    expect(gunzipSync(bodies.gzip)).toEqual(content);
    expect(brotliDecompressSync(bodies.br)).toEqual(content);
    expect(new Set(Object.values(etags)).size).toBe(3);
    expect(packAsset(Buffer.from('other'), 'text/plain').etags.br).not.toBe(etags.br);
  });
});

describe('the encoding', () => {
  it.each([
    [undefined, 'identity'],
    ['', 'identity'],
    ['gzip, deflate, br, zstd', 'br'],
    ['gzip', 'gzip'],
    ['GZIP;q=0.5', 'gzip'],
    ['br;q=0, gzip;q=1', 'gzip'],
    ['br;q=0, *', 'gzip'],
    ['*', 'br'],
    ['identity', 'identity'],
    ['br;q=x', 'identity'],
    ['*;q=0', 'identity'],
  ])('for "%s" is %s', (accept, encoding) => expect(chooseEncoding(accept)).toBe(encoding));
});

describe('a client that asks whether its copy is good', () => {
  it.each([
    ['"a"', true],
    ['W/"a"', true],
    ['"b", "a"', true],
    ['*', true],
    ['"b"', false],
    ['a', false],
    [undefined, false],
  ])('with %s is told %s', (tags, held) => expect(holdsAsset(tags, '"a"')).toBe(held));
});
