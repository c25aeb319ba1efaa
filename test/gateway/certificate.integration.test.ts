import { X509Certificate } from 'node:crypto';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { connect, type TLSSocket } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openCertificate } from '../../src/gateway/certificate.js';
import { createGateway } from '../../src/gateway/index.js';
import { type Clock, systemClock } from '../../src/shared/clock.js';
import { configSchema } from '../../src/shared/config/index.js';
import { createLogger } from '../../src/shared/logger.js';
import { issueCertificate as issue, type Pair } from '../helpers/certificate.js';
import { createTempDir } from '../helpers/parts.js';
import { waitFor } from '../helpers/wait.js';
import { createMemoryBrokers } from './memory-brokers.js';
import { WRITE_KEY } from './rig.js';

let first: Pair;
let second: Pair;
beforeAll(async () => {
  [first, second] = await Promise.all([issue('first'), issue('second')]);
});

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** The files of a pair, with what replaces them. */
function createFiles(pair: Pair) {
  const dir = createTempDir('tls');
  cleanups.push(dir.remove);
  const files = { cert: join(dir.path, 'cert.pem'), key: join(dir.path, 'key.pem') };
  /** Replaces a file at one moment, as tools that renew certificates do. */
  const write = (which: 'cert' | 'key', text: string) => {
    writeFileSync(`${files[which]}.new`, text);
    renameSync(`${files[which]}.new`, files[which]);
  };
  write('cert', pair.cert);
  write('key', pair.key);
  return { files, write };
}

function createLog() {
  let text = '';
  const sink = new PassThrough().on('data', (line: Buffer) => {
    text += line.toString();
  });
  return { logger: createLogger('test', 'info', sink), log: () => text };
}

async function startGateway(pair: Pair) {
  const { files, write } = createFiles(pair);
  const { logger, log } = createLog();
  const defaults = configSchema.parse({}).gateway;
  const gateway = await createGateway(
    { clock: systemClock, random: Math.random, logger, ...createMemoryBrokers() },
    { ...defaults, sources: [{ name: 'shop', writeKey: WRITE_KEY }], tls: files },
  );
  cleanups.push(() => gateway.stop({ deadlineMs: 1000 }));
  const url = await gateway.listen({ host: '127.0.0.1', port: 0 });
  const port = Number(new URL(url).port);
  return { gateway, url, port, write, log };
}

/** A certificate that looks at its files all the time, by a clock that can be set. */
async function openOften(pair: Pair) {
  const { files, write } = createFiles(pair);
  const { logger, log } = createLog();
  const time = { aheadMs: 0, looks: 0 };
  const clock: Clock = {
    now: () => Date.now() + time.aheadMs,
    setTimer(look) {
      time.looks += 1;
      return systemClock.setTimer(look, 1);
    },
  };
  const certificate = await openCertificate(files, clock, logger);
  cleanups.push(() => certificate.close());
  const lookAgain = (before = time.looks) => waitFor('another look', () => time.looks > before + 2);
  return { certificate, files, write, log, time, lookAgain, shown: () => String(certificate.pair.cert) };
}

/** Opens a connection; trusts whom it meets. */
async function open(port: number, options: object = {}): Promise<{ socket: TLSSocket; name: string }> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  cleanups.push(() => void socket.destroy());
  await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
  return { socket, name: String(socket.getPeerCertificate().subject.CN) };
}

const body = '{"type":"page_view"}';
const request = `POST /v1/events HTTP/1.1\r\nHost: x\r\nX-Write-Key: ${WRITE_KEY}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

async function post(socket: TLSSocket): Promise<string> {
  let answer = '';
  const read = (data: Buffer) => {
    answer += data.toString();
  };
  socket.on('data', read);
  socket.write(request);
  await waitFor('an answer', () => answer.includes('"results"'));
  socket.off('data', read);
  return answer;
}

describe('a gateway with a certificate', () => {
  it('speaks HTTPS, of TLS 1.2 and later, and no HTTP', async () => {
    const { url, port } = await startGateway(first);
    expect(url).toMatch(/^https:/);
    const { socket } = await open(port, { maxVersion: 'TLSv1.2' });
    expect(await post(socket)).toContain('"accepted"');
    await expect(open(port, { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1' })).rejects.toThrow();
    await expect(fetch(url.replace('https', 'http'))).rejects.toThrow();
  });

  it('takes new files by itself, and connections that are open go on', async () => {
    const { port, write, log } = await startGateway(first);
    const before = await open(port);
    expect(before.name).toBe('first');
    write('cert', second.cert);
    write('key', second.key);
    const name = await waitFor('the new certificate', async () => {
      const { name, socket } = await open(port);
      socket.destroy();
      return name === 'second' && name;
    });
    expect(name).toBe('second');
    expect(await post(before.socket)).toContain('"accepted"');
    expect(log()).toContain('certificate read again');
  });

  it('keeps the pair that it has while a new one cannot be used, says so, and takes the next that can', async () => {
    const { gateway, port, write, log } = await startGateway(first);
    write('cert', second.cert);
    await gateway.reload();
    expect(log()).toContain('the certificate cannot be used: the one before stays');
    expect((await open(port)).name).toBe('first');
    write('key', 'this is no key');
    await gateway.reload();
    expect((await open(port)).name).toBe('first');
    write('key', second.key);
    await gateway.reload();
    expect((await open(port)).name).toBe('second');
    expect(log()).not.toContain('PRIVATE KEY');
  });

  it('does not start with a pair that cannot be used', async () => {
    await expect(startGateway({ cert: first.cert, key: second.key })).rejects.toMatchObject({
      code: 'PS_TLS_UNUSABLE',
    });
  });

  it('tells when what it shows expires', async () => {
    const { gateway } = await startGateway(first);
    const { body } = await gateway.app.inject({ url: '/metrics', remoteAddress: '127.0.0.1' });
    const expiry = /^penstock_gateway_certificate_expiry_timestamp_seconds (\d+)$/m.exec(body)?.[1];
    expect(Number(expiry)).toBe(Date.parse(new X509Certificate(first.cert).validTo) / 1000);
  });
});

describe('a certificate in place of another', () => {
  const HOUR_MS = 3_600_000;
  const inHours = (from: number, to: number) => ({
    notBefore: new Date(Date.now() + from * HOUR_MS),
    notAfter: new Date(Date.now() + to * HOUR_MS),
  });

  it('is not taken when its time is over, which is said once', async () => {
    const { write, log, lookAgain, shown } = await openOften(first);
    const expired = await issue('expired', inHours(-2, -1));
    write('key', expired.key);
    write('cert', expired.cert);
    await waitFor('the refusal', () => log().includes('it has expired: its last moment was '));
    await lookAgain();
    expect(shown()).toBe(first.cert);
    expect(log().match(/it has expired/g)).toHaveLength(1);
    write('cert', second.cert);
    write('key', second.key);
    await waitFor('the next one', () => shown() === second.cert);
  });

  it('is taken when its time comes, if it was there too early', async () => {
    const { write, log, time, lookAgain, shown } = await openOften(first);
    const early = await issue('early', inHours(1, 2));
    write('key', early.key);
    write('cert', early.cert);
    await waitFor('the refusal', () => log().includes('it is not valid yet: its first moment is '));
    await lookAgain();
    expect(shown()).toBe(first.cert);
    expect(log().match(/it is not valid yet/g)).toHaveLength(1);
    time.aheadMs = HOUR_MS;
    await waitFor('its time', () => shown() === early.cert);
  });

  it('that is gone is told of once, and the one that was there stays', async () => {
    const { files, write, log, lookAgain, shown } = await openOften(first);
    rmSync(files.key);
    await waitFor('the refusal', () => log().includes('ENOENT'));
    await lookAgain();
    expect(shown()).toBe(first.cert);
    expect(log().match(/cannot be used/g)).toHaveLength(1);
    write('key', first.key);
    await waitFor('it to be read', () => log().includes('certificate read again'));
  });

  it('may have expired at a start, when there is none before it, and is told of', async () => {
    const { log } = await openOften(await issue('expired', inHours(-2, -1)));
    expect(log()).toContain('the certificate is one that clients refuse');
  });
});
