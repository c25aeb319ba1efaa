import { request } from 'node:http';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type AdminServer, type AdminServerOptions, startAdminServer } from '../../src/dashboard/index.js';
import { systemClock } from '../../src/shared/clock.js';
import { createLogger } from '../../src/shared/logger.js';
import { createMemoryLiveSource, type MemoryLiveSource, noFigures } from '../helpers/live-source.js';
import { waitFor } from '../helpers/wait.js';
import { builtWeb } from '../helpers/web-build.js';

const TOKEN = 'a-token-that-nobody-guesses';

const running: AdminServer[] = [];
afterEach(async () => {
  for (const server of running.splice(0)) await server.stop();
});

async function start(options: Partial<AdminServerOptions> = {}, source = createMemoryLiveSource()) {
  const server = await startServer(options, source);
  running.push(server);
  return { ...server, source };
}

/** One for all tests of a `describe` that leave it as it is. */
function useServer(options: Partial<AdminServerOptions> = {}): { readonly url: string } {
  let server: AdminServer;
  beforeAll(async () => {
    server = await startServer(options, createMemoryLiveSource());
  });
  afterAll(() => server.stop());
  return {
    get url() {
      return server.url;
    },
  };
}

function startServer(options: Partial<AdminServerOptions>, source: MemoryLiveSource): Promise<AdminServer> {
  return startAdminServer(
    {
      live: source,
      routes: [
        async (app) => {
          app.get('/api/added', async () => ({ secret: true }));
        },
      ],
      clock: systemClock,
      logger: createLogger('dashboard', 'silent'),
    },
    { host: '127.0.0.1', port: 0, webFolder: builtWeb().dashboardFolder, ...options },
  );
}

it('says which address it cannot have', async () => {
  const port = Number(new URL((await start()).url).port);
  await expect(start({ port })).rejects.toMatchObject({
    code: 'PS_PORT_UNAVAILABLE',
    facts: { port, reason: 'EADDRINUSE' },
  });
});

/** The messages of a stream, one at a time. */
async function openStream(url: string, headers: Record<string, string> = {}, query = '') {
  const abort = new AbortController();
  const response = await fetch(`${url}/api/live/stream${query}`, { headers, signal: abort.signal });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  return {
    response,
    close: () => abort.abort(),
    /** The next block, without the blank line; undefined when the stream has ended. */
    async next(): Promise<string | undefined> {
      while (!text.includes('\n\n')) {
        const part = await reader?.read();
        if (!part || part.done) return undefined;
        text += part.value;
      }
      const [block] = text.split('\n\n', 1) as [string];
      text = text.slice(block.length + 2);
      return block;
    },
  };
}

/** Of a block of the stream: the kind of the message, its id, and its data. */
function fieldsOf(block: string | undefined): { event: string; id: string; data: Record<string, unknown> } {
  const fields = Object.fromEntries((block ?? '').split('\n').map((line) => line.split(/: (.*)/s, 2)));
  return { event: fields['event'], id: fields['id'], data: JSON.parse(fields['data']) };
}

/** Fewer than a port lets wait to be accepted. */
const VIEWERS_AT_ONCE = 250;

interface OpenViewer {
  /** All that came so far. */
  heard: string;
  close(): void;
}

/** Viewers of the stream that cost no more than their connection. */
async function openViewers(url: string, count: number): Promise<readonly OpenViewer[]> {
  const { hostname, port, host } = new URL(url);
  const open = () =>
    new Promise<OpenViewer>((resolve, reject) => {
      const socket = connect(Number(port), hostname).setEncoding('utf8');
      const viewer = { heard: '', close: () => socket.destroy() };
      socket.write(`GET /api/live/stream HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      socket.on('data', (text: string) => {
        viewer.heard += text;
      });
      socket.once('data', () => resolve(viewer)).on('error', reject);
    });
  const viewers: OpenViewer[] = [];
  while (viewers.length < count)
    viewers.push(
      ...(await Promise.all(Array.from({ length: Math.min(VIEWERS_AT_ONCE, count - viewers.length) }, open))),
    );
  return viewers;
}

/** A request with a `Host` of our own choosing, which `fetch` does not allow. */
function statusWithHost(url: string, path: string, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request(url + path, { headers: { host }, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end();
  });
}

describe('the live stream', () => {
  it('begins with when to come back and a snapshot, and goes on with what changes', async () => {
    const { url, source } = await start();
    const stream = await openStream(url);
    expect(stream.response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(stream.response.headers.get('cache-control')).toBe('no-store');
    expect(await stream.next()).toBe('retry: 2000');
    expect(fieldsOf(await stream.next())).toMatchObject({ event: 'snapshot', data: noFigures });
    source.push({ pages: [{ path: '/a\n\ndata: b', views: 1 }] });
    expect(fieldsOf(await stream.next())).toMatchObject({
      event: 'update',
      data: { pages: [{ path: '/a\n\ndata: b', views: 1 }] },
    });
    stream.close();
  });

  it.each([
    ['a header', (id: string) => ({ headers: { 'last-event-id': id }, query: '' })],
    ['the query', (id: string) => ({ headers: {}, query: `?lastEventId=${id}` })],
  ])('goes on after the message that a client names in %s, with what changed since and no more', async (_, naming) => {
    const { url, source } = await start();
    const first = await openStream(url);
    await first.next();
    const { id } = fieldsOf(await first.next());
    first.close();
    source.push({ pages: [{ path: '/missed', views: 1 }] });
    const { headers, query } = naming(id);
    const second = await openStream(url, headers, query);
    await second.next();
    const { event, data } = fieldsOf(await second.next());
    expect([event, data]).toEqual(['update', { asOf: noFigures.asOf, pages: [{ path: '/missed', views: 1 }] }]);
    second.close();
  });

  it('thousands of viewers hear the same from one subscription and one reading for each change', async () => {
    // Windows slide with time, which is read as well: not while this runs, however long that takes.
    const { url, source } = await start({ feed: { refreshMs: 3_600_000 } });
    const viewers = await openViewers(url, 2_000);
    await waitFor('a snapshot for each', () => viewers.every((viewer) => viewer.heard.includes('event: snapshot\n')));
    expect(source.listeners).toBe(1);
    const reads = source.reads;
    source.push({ pages: [{ path: '/a', views: 7 }] });
    await waitFor('the change for each', () => viewers.every((viewer) => viewer.heard.includes('"views":7')));
    const updates = viewers.map(({ heard }) => /^event: update\ndata: \{.*?"pages":(.*)\}$/m.exec(heard)?.[1]);
    expect(new Set(updates)).toEqual(new Set(['[{"path":"/a","views":7}]']));
    expect(source.reads - reads).toBe(1);
    for (const viewer of viewers) viewer.close();
    await expect.poll(() => source.listeners, { timeout: 120_000 }).toBe(0);
  });

  it('sends a message that is larger than what a connection holds once', async () => {
    const { url, source } = await start();
    const big = (name: string) => [{ path: name + 'x'.repeat(1_000_000), views: 1 }];
    source.push({ pages: big('/1') });
    const stream = await openStream(url);
    await stream.next();
    expect(await stream.next()).toMatch(/^event: snapshot\n.*"path":"\/1x/);
    source.push({ pages: big('/2') });
    expect(await stream.next()).toMatch(/^event: update\n.*"path":"\/2x/);
    source.push({ pages: big('/3') });
    expect(await stream.next()).toMatch(/^event: update\n.*"path":"\/3x/);
    stream.close();
  });

  it('has a bounded number of seats, which are free again when viewers go', async () => {
    const { url, source } = await start({ feed: { maxViewers: 1 } });
    const first = await openStream(url);
    const second = await openStream(url);
    expect(second.response.status).toBe(503);
    expect(second.response.headers.get('retry-after')).toBe('10');
    expect(second.response.headers.get('content-type')).toContain('application/problem+json');
    first.close();
    await waitFor('the seat to be free', () => source.listeners === 0);
    const third = await openStream(url);
    expect(third.response.status).toBe(200);
    third.close();
  });

  it('ends when the server stops', async () => {
    const { url, stop } = await start();
    const stream = await openStream(url);
    await stream.next();
    await stream.next();
    await stop();
    expect(await stream.next()).toBeUndefined();
  });

  it('a viewer that stops reading does not hold up the others', async () => {
    const { url, source } = await start({ feed: { minIntervalMs: 1 } });
    const stuck = connect(Number(new URL(url).port), '127.0.0.1');
    stuck.write('GET /api/live/stream HTTP/1.1\r\nHost: localhost\r\n\r\n');
    stuck.pause();
    const reading = await openStream(url);
    const big = 'x'.repeat(1_000_000);
    for (let turn = 0; turn < 10; turn++) {
      source.push({ pages: [{ path: `${turn}${big}`, views: turn }] });
      while (!((await reading.next()) as string).includes(`"views":${turn}}`));
    }
    const viewers = /^penstock_dashboard_viewers (\d+)$/m.exec(await (await fetch(`${url}/metrics`)).text());
    expect(viewers?.[1]).toBe('2');
    reading.close();
    stuck.destroy();
  });
});

describe('without a token', () => {
  const server = useServer();

  it.each(['/', '/api/live/stream', '/api/added', '/metrics', '/readyz', '/nowhere'])(
    '%s is not for a name that somebody points at this machine',
    async (path) => {
      const { url } = server;
      const port = new URL(url).port;
      expect(await statusWithHost(url, path, `evil.example:${port}`)).toBe(403);
      expect(await statusWithHost(url, path, `localhost:${port}`)).not.toBe(403);
    },
  );

  it('pages of other origins get nothing', async () => {
    const { url } = server;
    for (const origin of ['https://evil.example', 'null', 'http://127.0.0.1:1']) {
      expect((await fetch(`${url}/api/added`, { headers: { origin } })).status).toBe(403);
    }
    expect((await fetch(`${url}/api/added`, { headers: { origin: url } })).status).toBe(200);
  });
});

describe('with a token', () => {
  const server = useServer({ token: TOKEN });

  it('data is for who has it, whichever route it comes from', async () => {
    const { url } = server;
    for (const path of ['/api/live/stream', '/api/added', '/api/intake', '/metrics', '/openapi.json', '/nowhere']) {
      const response = await fetch(url + path);
      expect([path, response.status]).toEqual([path, 401]);
      expect(response.headers.get('www-authenticate')).toBe('Bearer realm="penstock"');
      const wrong = await fetch(url + path, { headers: { authorization: `Bearer ${TOKEN}x` } });
      expect(wrong.status).toBe(401);
    }
    const right = await fetch(`${url}/api/added`, { headers: { authorization: `Bearer ${TOKEN}` } });
    expect(await right.json()).toEqual({ secret: true });
  });

  it('the page and the health checks are for anybody: they hold no data', async () => {
    const { url } = server;
    for (const path of ['/', '/main.js', '/main.css', '/icon.svg', '/livez', '/readyz']) {
      expect([path, (await fetch(url + path)).status]).toEqual([path, 200]);
    }
  });

  it('a browser that has shown it once comes in by its cookie', async () => {
    const { url } = server;
    const login = (token: unknown) =>
      fetch(`${url}/api/session`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ token }),
      });
    expect((await login('wrong')).status).toBe(401);
    expect((await login({ $ne: null })).status).toBe(401);
    const response = await login(TOKEN);
    expect(response.status).toBe(204);
    const cookie = (response.headers.get('set-cookie') as string).split(';')[0] as string;
    expect((await fetch(`${url}/api/added`, { headers: { cookie } })).status).toBe(200);
    expect(await (await fetch(`${url}/api/session`, { headers: { cookie } })).json()).toEqual({
      required: true,
      admitted: true,
    });
    expect(await (await fetch(`${url}/api/session`)).json()).toEqual({ required: true, admitted: false });
  });
});

describe('every answer', () => {
  const server = useServer();

  it('forbids everything that does not come from this server', async () => {
    const { url } = server;
    for (const path of ['/', '/api/added', '/nowhere', '/api/live/stream']) {
      const { headers, body } = await fetch(url + path);
      expect(headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self'");
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('access-control-allow-origin')).toBeNull();
      await body?.cancel();
    }
  });

  it('to what cannot be served is a problem that says no more than it should', async () => {
    const { url } = server;
    const missing = await fetch(`${url}/nowhere`);
    expect(missing.headers.get('content-type')).toContain('application/problem+json');
    expect(await missing.json()).toEqual({ type: 'about:blank', title: 'Not Found', status: 404 });
    const unreadable = await fetch(`${url}/api/%zz`);
    expect(unreadable.headers.get('content-type')).toContain('application/problem+json');
    expect(await unreadable.json()).toEqual({ type: 'about:blank', title: 'Bad Request', status: 400 });
    const broken = await fetch(`${url}/api/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{',
    });
    expect(broken.status).toBe(400);
    expect(broken.headers.get('content-type')).toContain('application/problem+json');
  });
});

describe('health and metrics', () => {
  it('ready means that the figures can be read', async () => {
    const { url, source } = await start();
    expect(await (await fetch(`${url}/readyz`)).json()).toEqual({ status: 'ready', parts: { liveFigures: 'ready' } });
    source.fail(true);
    const response = await fetch(`${url}/readyz`);
    expect([response.status, await response.json()]).toEqual([
      503,
      { status: 'unavailable', parts: { liveFigures: 'unavailable' } },
    ]);
    expect((await fetch(`${url}/livez`)).status).toBe(200);
  });

  it('metrics tell of the process, the viewers, and what they were sent', async () => {
    const { url } = await start();
    const stream = await openStream(url);
    await stream.next();
    await stream.next();
    const response = await fetch(`${url}/metrics`);
    expect(response.headers.get('content-type')).toContain('text/plain; version=0.0.4');
    const text = await response.text();
    expect(text).toContain('\npenstock_dashboard_viewers 1\n');
    expect(text).toContain('\npenstock_dashboard_messages_total{kind="snapshot"} 1\n');
    expect(text).toContain('\nprocess_resident_memory_bytes ');
    stream.close();
  });
});
