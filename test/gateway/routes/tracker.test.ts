import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import Fastify, { type FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { trackerRoute } from '../../../src/gateway/routes/tracker.js';

const SCRIPT = `console.log(${JSON.stringify('x'.repeat(500))});\n`;

describe('GET /penstock.js', () => {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-tracker-'));
  const scriptFile = join(folder, 'penstock.js');
  let app: FastifyInstance;
  beforeAll(async () => {
    writeFileSync(scriptFile, SCRIPT);
    writeFileSync(`${scriptFile}.map`, '{"version":3}');
    writeFileSync(join(folder, 'index.d.ts'), 'export {};');
    app = Fastify();
    await app.register(trackerRoute, { scriptFile });
  });
  afterAll(async () => {
    await app.close();
    rmSync(folder, { recursive: true });
  });
  const get = (url: string, headers: Record<string, string> = {}) => app.inject({ url, headers });

  it('gives the script to any site', async () => {
    const { body, headers, statusCode } = await get('/penstock.js');
    expect([statusCode, body]).toEqual([200, SCRIPT]);
    expect(headers).toMatchObject({
      'content-type': 'text/javascript; charset=utf-8',
      'cache-control': 'public, max-age=3600, stale-while-revalidate=86400',
      'access-control-allow-origin': '*',
      'cross-origin-resource-policy': 'cross-origin',
      vary: 'Accept-Encoding',
    });
  });

  it('gives it compressed to who takes that', async () => {
    const br = await get('/penstock.js', { 'accept-encoding': 'gzip, br' });
    expect(br.headers['content-encoding']).toBe('br');
    expect(brotliDecompressSync(br.rawPayload).toString()).toBe(SCRIPT);
    const gzip = await get('/penstock.js', { 'accept-encoding': 'gzip' });
    expect(gzip.headers['content-encoding']).toBe('gzip');
    expect(gunzipSync(gzip.rawPayload).toString()).toBe(SCRIPT);
  });

  it('sends nothing to who has these bytes already', async () => {
    for (const encoding of ['br', 'gzip', 'identity']) {
      const accept = { 'accept-encoding': encoding };
      const { etag } = (await get('/penstock.js', accept)).headers;
      const again = await get('/penstock.js', { ...accept, 'if-none-match': String(etag) });
      expect([again.statusCode, again.body, again.headers.etag]).toEqual([304, '', etag]);
    }
    expect((await get('/penstock.js', { 'if-none-match': '"of yesterday"' })).statusCode).toBe(200);
  });

  it('gives the source map, which the script’s answer names, and the types', async () => {
    expect((await get('/penstock.js')).headers['sourcemap']).toBe('/penstock.js.map');
    expect((await get('/penstock.js.map')).json()).toEqual({ version: 3 });
    const types = await get('/penstock.d.ts');
    expect([types.body, types.headers['cache-control']]).toEqual([
      'export {};',
      'public, max-age=3600, stale-while-revalidate=86400',
    ]);
  });

  it('has a name that says what is in it, under which browsers may keep it for good', async () => {
    const name = String((await get('/penstock.js')).headers['content-location']);
    expect(name).toMatch(/^\/penstock\.[0-9a-f]{16}\.js$/);
    const { body, headers } = await get(name);
    expect([body, headers['cache-control']]).toEqual([SCRIPT, 'public, max-age=31536000, immutable']);
  });

  it('is there under the name of an older build too, but not for good', async () => {
    const { body, headers } = await get('/penstock.0123456789abcdef.js');
    expect(body).toBe(SCRIPT);
    expect(headers['cache-control']).toContain('max-age=3600');
    for (const path of ['/penstock.no.js', '/penstock.0123456789abcdef0.js', '/penstock.0123456789abcdef.css']) {
      expect((await get(path)).statusCode).toBe(404);
    }
  });

  it('is absent from a gateway whose tracker was not built, which works all the same', async () => {
    const bare = Fastify();
    await bare.register(trackerRoute, { scriptFile: join(folder, 'absent.js') });
    expect((await bare.inject('/penstock.js')).statusCode).toBe(404);
    await bare.close();
  });
});
