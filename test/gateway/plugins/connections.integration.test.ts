import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { waitFor } from '../../helpers/wait.js';
import { headWith as head, listenRaw, listenRawWithSlowHub, requestOf, statusesOf } from './raw-gateway.js';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function listen(...options: Parameters<typeof listenRaw>) {
  const gateway = await listenRaw(...options);
  cleanups.push(gateway.close);
  return gateway;
}

async function listenWithSlowHub() {
  const gateway = await listenRawWithSlowHub();
  cleanups.push(gateway.close);
  return gateway;
}

const whole = requestOf('{"type":"page_view"}');

describe('connections', () => {
  it.each([
    ['headers', head('X-Slow: ')],
    ['body', `${head('Content-Length: 50\r\n')}\r\n{"type":`],
    ['chunked body', `${head('Transfer-Encoding: chunked\r\n')}\r\n5\r\n{"typ`],
  ])('whose %s do not come in time get 408', async (_what, sent) => {
    const { open } = await listen({ headersTimeoutMs: 200, requestTimeoutMs: 400 });
    const { socket, seen, closed } = open();
    socket.write(sent);
    await closed();
    expect(statusesOf(seen.text)).toEqual([408]);
    expect(seen.text).toContain('PS_REQUEST_TIMEOUT');
  });

  it('that are idle are closed after their time', async () => {
    const { open } = await listen({ keepAliveTimeoutMs: 100 });
    const { socket, seen, closed } = open();
    socket.write(whole);
    await closed();
    expect(statusesOf(seen.text)).toEqual([200]);
  });

  it('are closed when nobody reads what they were answered', async () => {
    // A request of which the rest is not read would take too long, too.
    const times = { keepAliveTimeoutMs: 200, requestTimeoutMs: 600_000 };
    const { rig, open } = await listen(times, { limits: { publishTimeoutMs: 100 } });
    const { socket } = open();
    socket.pause();
    const large = requestOf(`[${Array.from({ length: 9000 }, (_, id) => `{"type":"page_view","id":"${id}"}`).join()}]`);
    for (let count = 0; count < 40; count++) socket.write(large);
    const connections = () =>
      new Promise<number>((resolve) => rig.app.server.getConnections((_error, count) => resolve(count)));
    await waitFor('answers', () => rig.brokers.hubEvents().length > 0);
    expect(await connections()).toBe(1);
    await waitFor('the connection to be closed', async () => (await connections()) === 0);
    // Those that would not fit were never read.
    expect(rig.brokers.hubEvents().length).toBeLessThan(40 * 9000);
  });

  it('are never taken beside the server that bounds them, under a name that has several addresses', async () => {
    const { url } = await listen({}, { host: 'localhost' });
    expect(new URL(url).hostname).toBe('127.0.0.1');
    const other = connect({ port: Number(new URL(url).port), host: '::1' });
    expect(await once(other, 'error')).toHaveLength(1);
  });

  it('are cut when far more requests come on them than are answered, of which all that were taken are sent', async () => {
    const { rig, open, pending, release } = await listenWithSlowHub();
    const { socket, closed } = open();
    socket.write(whole.repeat(100));
    await pending();
    socket.write(whole.repeat(1_000));
    await closed();
    release();
    await waitFor('the events', () => rig.brokers.hubEvents().length === 100);
    const { body } = await rig.app.inject({ url: '/metrics', remoteAddress: '127.0.0.1' });
    expect(body).toContain('penstock_gateway_connections_cut_total 1');
  });

  it('are closed after their number of requests, which is said in the last answer', async () => {
    const { rig, open } = await listen({ requestsPerConnection: 3 });
    const { socket, seen, closed } = open();
    socket.write(whole.repeat(5));
    await closed();
    expect(statusesOf(seen.text)).toEqual([200, 200, 200]);
    expect(seen.text.match(/^connection: close/gim)).toHaveLength(1);
    expect(rig.brokers.hubEvents()).toHaveLength(3);
  });

  it.each([
    ['asked for the end', whole.replace('Host: x', 'Host: x\r\nConnection: close')],
    ['is of HTTP/1.0', whole.replace('HTTP/1.1', 'HTTP/1.0')],
  ])('process nothing behind a request that %s', async (_what, last) => {
    const { rig, open, pending, release } = await listenWithSlowHub();
    const sent = [[whole + last + whole.repeat(2)], [whole, last, whole, whole]].map((texts) => {
      const connection = open();
      for (const text of texts) connection.socket.write(text);
      return connection;
    });
    await pending();
    // Read behind everything that was sent before it.
    const other = open();
    other.socket.write('no HTTP\r\n\r\n');
    await other.closed();
    release();
    for (const { seen, closed } of sent) {
      await closed();
      expect(statusesOf(seen.text)).toEqual([200, 200]);
    }
    expect(rig.brokers.hubEvents()).toHaveLength(4);
  });

  it.each([
    ['one request', 1],
    ['several', 3],
  ])('whose client closes its side behind %s get every answer', async (_what, count) => {
    const { rig, open, pending, release } = await listenWithSlowHub();
    const { socket, seen, closed } = open({ allowHalfOpen: true });
    socket.end(whole.repeat(count));
    socket.on('end', () => socket.destroy());
    await pending();
    // Read behind the end of the first.
    const other = open();
    other.socket.write('no HTTP\r\n\r\n');
    await other.closed();
    expect(seen).toEqual({ text: '', closed: false });
    release();
    await closed();
    expect(statusesOf(seen.text)).toEqual(Array.from({ length: count }, () => 200));
    expect(rig.brokers.hubEvents()).toHaveLength(count);
  });

  it('whose client closes its side within a request end with 400', async () => {
    const { rig, open } = await listen();
    const { socket, seen, closed } = open();
    socket.end(whole.slice(0, -1));
    await closed();
    expect(statusesOf(seen.text)).toEqual([400]);
    expect(rig.brokers.hubEvents()).toEqual([]);
  });

  it('beyond the most at once are closed as they come', async () => {
    const { open } = await listen({ connections: 2 });
    const first = [open(), open()];
    for (const { socket } of first) socket.write(whole);
    for (const { seen } of first) await waitFor('an answer', () => seen.text.includes('200 OK'));
    const third = open();
    await third.closed();
    expect(third.seen.text).toBe('');
  });
});

describe('headers', () => {
  it.each([
    ['/v1/events', 200],
    ['/v1/events/%c0%ae', 400],
    ['/nothing', 404],
  ])('that ask %s for an upgrade get an answer as any other, and a connection that ends', async (path, status) => {
    const { open } = await listen();
    const { socket, seen, closed } = open();
    const asking = whole.replace('Host: x', 'Host: x\r\nConnection: Upgrade\r\nUpgrade: h2c');
    socket.write(asking.replace('/v1/events', path));
    await closed();
    expect(statusesOf(seen.text)).toEqual([status]);
  });

  it('that expect what nobody knows get an answer as any other', async () => {
    const { open } = await listen();
    const { socket, seen } = open();
    socket.write(whole.replace('Host: x', 'Host: x\r\nExpect: the-unexpected'));
    await waitFor('an answer', () => seen.text.includes('accepted'));
    expect(statusesOf(seen.text)).toEqual([200]);
  });

  it('with a body that is too large are not asked to go on with it', async () => {
    const { open } = await listen();
    const { socket, seen, closed } = open();
    socket.write(`${head('Expect: 100-continue\r\nContent-Length: 99999999\r\n')}\r\n`);
    await closed();
    expect(statusesOf(seen.text)).toEqual([413]);
  });

  it('that expect to be told to go on do not tear the answer apart when they come behind others', async () => {
    const { open } = await listen();
    const { socket, seen } = open();
    const pixel = 'GET /v1/pixel.gif HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n';
    socket.write(whole + pixel);
    await waitFor('both answers', () => seen.text.includes('GIF89a'));
    expect(seen.text).toMatch(/\r\n\r\nGIF89a/);
    expect(statusesOf(seen.text)).toEqual([200, 200]);
    const alone = open();
    alone.socket.write(pixel);
    await waitFor('an answer', () => alone.seen.text.includes('GIF89a'));
    expect(statusesOf(alone.seen.text)).toEqual([100, 200]);
  });

  it('without a Host get 400 that says so', async () => {
    const { open } = await listen();
    const { socket, seen } = open();
    socket.write(whole.replace('Host: x\r\n', ''));
    await waitFor('an answer', () => seen.text.includes('PS_REQUEST_INVALID'));
    expect(statusesOf(seen.text)).toEqual([400]);
  });

  it.each(['Host: y\r\n', 'hOST: x\r\n', 'Host:\r\n'])(
    'with a second Host, such as %j, get 400 that says so',
    async (second) => {
      const { rig, open } = await listen();
      const { socket, seen } = open();
      socket.write(whole.replace('Host: x\r\n', `Host: x\r\n${second}`));
      await waitFor('an answer', () => seen.text.includes('PS_REQUEST_INVALID'));
      expect(statusesOf(seen.text)).toEqual([400]);
      expect(rig.brokers.hubEvents()).toEqual([]);
    },
  );

  it('of more bytes than they may have get 431', async () => {
    const { open } = await listen({ headerBytes: 2000 });
    const { socket, seen, closed } = open();
    socket.write(`${head(`X-Long: ${'x'.repeat(3000)}\r\n`)}\r\n`);
    await closed();
    expect(statusesOf(seen.text)).toEqual([431]);
    expect(seen.text).toContain('PS_HEADERS_TOO_LARGE');
    expect(seen.text).toContain('At most 2000 bytes of headers');
  });

  it('of more than they may be get 431', async () => {
    const { open } = await listen({ headers: 10 });
    const { socket, seen } = open();
    socket.write(`${head('X-A: b\r\n'.repeat(20))}\r\n`);
    await waitFor('an answer', () => seen.text.includes('PS_HEADERS_TOO_LARGE'));
    expect(statusesOf(seen.text)).toEqual([431]);
  });
});
