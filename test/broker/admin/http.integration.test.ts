import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAdminHandler } from '../../../src/broker/admin/index.js';
import { createPort, type Port } from '../../../src/broker/port/index.js';
import { createSasKeys, ensureCertificates } from '../../../src/broker/security/index.js';
import { systemClock } from '../../../src/shared/clock.js';
import { createRegistry, random } from './registry.js';

const KEY = 'a-key';
const keys = createSasKeys([
  { name: 'RootManageSharedAccessKey', scope: '', rights: ['Manage'], keys: [KEY] },
  { name: 'Reader', scope: '', rights: ['Listen', 'Send'], keys: [KEY] },
]);

let dir: string;
let port: Port;
let number: number;
const failures: unknown[] = [];

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'penstock-http-'));
  const tls = await ensureCertificates(dir, ['localhost'], Date.now());
  const registry = createRegistry(Date.now);
  const namespace = {
    ...registry,
    deleteQueue: (name: string) =>
      name === 'cursed' ? Promise.reject(new Error('the disk is on fire')) : registry.deleteQueue(name),
  };
  const onHttp = createAdminHandler(
    { namespace, keys, now: Date.now, random, onError: (failure) => failures.push(failure) },
    { namespaceName: 'penstock' },
  );
  port = createPort(
    { clock: systemClock, onAmqp: (socket) => socket.destroy(), onHttp, onRefused: () => {}, onCut: () => {} },
    { host: '127.0.0.1', port: 0, tls, maxConnections: 100 },
  );
  ({ port: number } = await port.start());
});
afterAll(async () => {
  await port.stop({ deadlineMs: 0 });
  rmSync(dir, { recursive: true });
});

function token(resource: string, { key = KEY, expiry = Math.round(Date.now() / 1000) + 300 } = {}) {
  const sr = encodeURIComponent(resource);
  const sig = encodeURIComponent(createHmac('sha256', key).update(`${sr}\n${expiry}`).digest('base64'));
  return `SharedAccessSignature sr=${sr}&sig=${sig}&se=${expiry}&skn=RootManageSharedAccessKey`;
}

interface Call {
  method?: string;
  body?: string | Buffer;
  authorization?: string | undefined;
  headers?: Record<string, string>;
}

/** Status and text of one request with a good token, unless something else is given. */
function call(path: string, { method = 'GET', body, headers, ...given }: Call = {}) {
  const authorization = 'authorization' in given ? given.authorization : token(`http://127.0.0.1:${number}/`);
  return new Promise<{ status: number; text: string }>((resolve, reject) => {
    const request = httpRequest(
      {
        port: number,
        host: '127.0.0.1',
        path,
        method,
        headers: { ...(authorization === undefined ? {} : { authorization }), ...headers },
        agent: false,
      },
      (response: IncomingMessage) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk) => {
          text += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

const queue = (fields = '') =>
  `<entry xmlns="http://www.w3.org/2005/Atom"><content type="application/xml"><QueueDescription xmlns="x">${fields}</QueueDescription></content></entry>`;

describe('the management API over plain HTTP', () => {
  it('tells its health to everybody', async () => {
    expect(await call('/health', { authorization: undefined })).toEqual({ status: 200, text: '{"status":"healthy"}' });
  });

  it('asks everything else for a signature that covers it', async () => {
    const statusWith = async (authorization: string | undefined) => {
      const { status, text } = await call('/$Resources/Queues', { authorization });
      return `${status} ${/<Detail>SubCode=40100\. (\w+):/.exec(text)?.[1] ?? text}`;
    };
    const here = `http://127.0.0.1:${number}`;
    expect(await statusWith(undefined)).toBe('401 MissingToken');
    expect(await statusWith('Bearer x')).toBe('401 MalformedToken');
    expect(await statusWith(token(here, { key: 'other' }))).toBe('401 InvalidSignature');
    expect(await statusWith(token(here, { expiry: 1 }))).toBe('401 ExpiredToken');
    expect(await statusWith(token(`${here}/events`))).toBe('401 InvalidAudience');
  });

  it('answers an empty list for a queue that is not there, and 404 for other things', async () => {
    const missing = await call('/nowhere');
    expect(missing.status).toBe(200);
    expect(missing.text).toMatch(/^<feed .*<\/feed>$/s);
    expect(missing.text).not.toContain('<entry');
    expect((await call('/t/Subscriptions/s')).status).toBe(404);
    expect((await call('/$Resources/Nothing')).status).toBe(404);
    expect((await call('/')).status).toBe(404);
  });

  it('pages lists, and refuses numbers that are none', async () => {
    for (const name of ['q1', 'q2', 'q3']) {
      expect((await call(`/${name}`, { method: 'PUT', body: queue() })).status).toBe(201);
    }
    const titles = (text: string) =>
      [...text.matchAll(/<entry><id>[^<]*<\/id><title type="text">([^<]*)/g)].map((match) => match[1]);
    const page = await call('/$Resources/Queues?$skip=1&$top=1');
    expect(titles(page.text)).toEqual(['q2']);
    expect(page.text).toContain('$skip=2&amp;$top=1');
    expect((await call('/$Resources/Queues?$skip=2&$top=1')).text).not.toContain('rel="next"');
    expect((await call('/$Resources/Queues?$top=-1')).status).toBe(400);
  });

  it.each([
    ['no body', ''],
    ['no XML', 'hello'],
    ['no entry', '<a/>'],
    ['an entry without a description', '<entry><content/></entry>'],
    ['another description', '<entry><content><RuleDescription/></content></entry>'],
    ['a DOCTYPE', `<!DOCTYPE x>${queue()}`],
    ['invalid UTF-8', Buffer.concat([Buffer.from(queue('<UserMetadata>')), Buffer.from([0xff])])],
    ['a wrong number', queue('<MaxDeliveryCount>many</MaxDeliveryCount>')],
    ['a wrong boolean', queue('<RequiresSession>perhaps</RequiresSession>')],
    ['a wrong duration', queue('<LockDuration>1 minute</LockDuration>')],
    ['a setting that is not there', queue('<IsAnonymousAccessible>true</IsAnonymousAccessible>')],
    ['an endless name', queue(`<ForwardTo>${'/'.repeat(200_000)}x</ForwardTo>`)],
    ['access rules', queue('<AuthorizationRules><AuthorizationRule/></AuthorizationRules>')],
  ])('refuses a queue with %s', async (_, body) => {
    const { status, text } = await call('/bad', { method: 'PUT', body });
    expect(status).toBe(400);
    expect(text).toMatch(/^<Error><Code>400<\/Code><Detail>SubCode=400\d\d\. /);
    expect((await call('/bad')).text).not.toContain('<entry');
  });

  it('refuses a body without end, before and while it comes', async () => {
    expect(
      (await call('/big', { method: 'PUT', headers: { 'content-length': '300000' }, body: 'x'.repeat(300_000) }))
        .status,
    ).toBe(413);
    const chunked = { 'transfer-encoding': 'chunked' };
    expect((await call('/big', { method: 'PUT', headers: chunked, body: 'x'.repeat(300_000) })).status).toBe(413);
  });

  it('knows its methods', async () => {
    expect((await call('/q1', { method: 'POST', body: queue() })).status).toBe(405);
    expect((await call('/$namespaceinfo', { method: 'DELETE' })).status).toBe(405);
  });

  it('tells nothing of an unexpected failure, but reports it', async () => {
    const { status, text } = await call('/cursed', { method: 'DELETE' });
    expect([status, text.includes('fire')]).toEqual([500, false]);
    expect(failures.map(String)).toEqual(['Error: the disk is on fire']);
  });
});
