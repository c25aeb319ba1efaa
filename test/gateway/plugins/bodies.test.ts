import { PassThrough } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { createGatewayRig, WRITE_KEY } from '../rig.js';

type Rig = Awaited<ReturnType<typeof createGatewayRig>>;

async function heldBytes(rig: Rig): Promise<number> {
  const { body } = await rig.app.inject('/metrics');
  return Number(/^penstock_gateway_pending_bytes (\d+)$/m.exec(body)?.[1]);
}

/** Begins a request whose body comes as it is written to `body`. */
function upload(rig: Rig, headers: Record<string, string> = { 'transfer-encoding': 'chunked' }) {
  const body = new PassThrough();
  const response = rig.app.inject({
    method: 'POST',
    url: '/v1/events',
    headers: { authorization: `Bearer ${WRITE_KEY}`, ...headers },
    payload: body,
  });
  return { body, response };
}

/** Everything that can go on has gone on. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe('what bodies take of memory', () => {
  it('is bounded, though ten thousand clients send theirs at once and never end', async () => {
    const limit = 4 * 1024 * 1024;
    const rig = await createGatewayRig({ limits: { pendingBytes: limit } });
    const uploads = Array.from({ length: 10_000 }, () => upload(rig));
    const statuses: number[] = [];
    for (const { response } of uploads) void response.then(({ statusCode }) => statuses.push(statusCode));
    for (let piece = 0; piece < 4; piece++) {
      for (const { body } of uploads) body.write(Buffer.alloc(700, 0x20));
      await settle();
      expect(await heldBytes(rig)).toBeLessThanOrEqual(limit);
    }
    expect(await heldBytes(rig)).toBeGreaterThan(limit / 2);
    expect(statuses.length).toBeGreaterThan(5_000);
    expect(new Set(statuses)).toEqual(new Set([429]));
    for (const { body } of uploads) body.end('{"type":"page_view"}');
    await Promise.all(uploads.map(({ response }) => response));
    expect(new Set(statuses)).toEqual(new Set([200, 429]));
    expect(await heldBytes(rig)).toBe(0);
  });

  it('is taken for a large body before it comes, by the length that it announces', async () => {
    const rig = await createGatewayRig({ limits: { pendingBytes: 1_000_000 } });
    const large = upload(rig, { 'content-length': '400000' });
    await settle();
    expect(await heldBytes(rig)).toBe(400_000);
    const more = await upload(rig, { 'content-length': '400000' }).response;
    expect(more.statusCode).toBe(429);
    expect(more.json()).toMatchObject({ code: 'PS_OVERLOADED' });
    expect(Number(more.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    // Small ones have their part of the room.
    expect((await rig.post({ type: 'page_view', id: 'small' })).statusCode).toBe(200);
    large.body.end(' '.repeat(400_000));
    expect((await large.response).statusCode).toBe(400);
    expect(await heldBytes(rig)).toBe(0);
  });

  it('counts what bodies are decompressed to', async () => {
    const rig = await createGatewayRig({ limits: { pendingBytes: 1_000_000 } });
    const other = upload(rig, { 'content-length': '300000' });
    await settle();
    const body = gzipSync(Buffer.alloc(600_000, 0x20));
    const response = await rig.post(body, { 'content-encoding': 'gzip' });
    expect(response.statusCode).toBe(429);
    expect(await heldBytes(rig)).toBe(300_000);
    other.body.end(' '.repeat(300_000));
    await other.response;
    // Alone it may be as large as a body may be.
    expect((await rig.post(body, { 'content-encoding': 'gzip' })).statusCode).toBe(400);
    expect(await heldBytes(rig)).toBe(0);
  });

  it('is given back when a client breaks off', async () => {
    const rig = await createGatewayRig();
    const { body, response } = upload(rig, { 'content-length': '100000' });
    body.write('[');
    await settle();
    expect(await heldBytes(rig)).toBe(100_000);
    body.destroy(new Error('as the test says'));
    await response.catch(() => {});
    expect(await heldBytes(rig)).toBe(0);
  });

  it('is nothing for a body that nobody reads', async () => {
    const rig = await createGatewayRig();
    const payload = new PassThrough();
    const response = await rig.app.inject({ method: 'POST', url: '/nothing', payload });
    expect(response.statusCode).toBe(404);
    expect(await heldBytes(rig)).toBe(0);
  });
});
