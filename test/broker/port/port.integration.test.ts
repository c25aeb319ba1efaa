import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createPort, type Port, type PortOptions } from '../../../src/broker/port/index.js';
import { ensureCertificates, type ServerCertificates } from '../../../src/broker/security/index.js';
import { systemClock } from '../../../src/shared/clock.js';

const AMQP_HEADER = Buffer.from('AMQP\x00\x01\x00\x00', 'latin1');

let dir: string;
let tls: ServerCertificates;
const ports: Port[] = [];
const clients: Socket[] = [];

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'penstock-port-'));
  tls = await ensureCertificates(dir, ['localhost', '127.0.0.1', '::1'], Date.now());
});
afterAll(() => rmSync(dir, { recursive: true }));
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await Promise.all(ports.splice(0).map((port) => port.stop({ deadlineMs: 0 })));
});

/** A port whose AMQP side echoes, and whose HTTP side answers with method, path and body. */
async function open(options: Partial<PortOptions> = {}) {
  const amqp: { secure: boolean }[] = [];
  let refused = 0;
  let cut = 0;
  const port = createPort(
    {
      clock: systemClock,
      onAmqp(socket, facts) {
        amqp.push(facts);
        socket.on('error', () => {});
        socket.pipe(socket);
      },
      onHttp(request, response) {
        const chunks: Buffer[] = [];
        request.on('data', (chunk: Buffer) => chunks.push(chunk));
        request.on('end', () => response.end(`${request.method} ${request.url} ${Buffer.concat(chunks)}`));
      },
      onRefused() {
        refused += 1;
      },
      onCut() {
        cut += 1;
      },
    },
    { host: '127.0.0.1', port: 0, tls, maxConnections: 100, ...options },
  );
  ports.push(port);
  const { port: number } = await port.start();
  return { port, number, amqp, refused: () => refused, cut: () => cut };
}

const client = (port: number, host = '127.0.0.1') => {
  const socket = connect({ port, host });
  socket.on('error', () => {});
  clients.push(socket);
  return socket;
};

const tlsClient = (port: number) => {
  const socket = connectTls({ port, host: '127.0.0.1', servername: 'localhost', ca: readFileSync(tls.caFile) });
  clients.push(socket);
  return socket;
};

async function received(socket: Socket, length: number): Promise<Buffer> {
  let bytes = Buffer.alloc(0);
  for await (const chunk of socket) {
    bytes = Buffer.concat([bytes, chunk as Buffer]);
    if (bytes.length >= length) break;
  }
  return bytes;
}

function fetchText(make: typeof httpRequest | typeof httpsRequest, port: number, body?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = {
      port,
      host: 'localhost',
      path: '/queue?x=1',
      ca: readFileSync(tls.caFile),
      agent: false as const,
    };
    const request = make({ ...options, method: body === undefined ? 'GET' : 'PUT' }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => resolve(text));
    });
    request.on('error', reject);
    request.end(body);
  });
}

describe('the one port', () => {
  it('hands AMQP over with its first bytes still to be read', async () => {
    const { number, amqp } = await open();
    const socket = client(number);
    socket.write(AMQP_HEADER);
    expect(await received(socket, 8)).toEqual(AMQP_HEADER);
    expect(amqp).toEqual([{ secure: false }]);
  });

  it('tells AMQP also when it trickles in byte by byte', async () => {
    const { number, amqp } = await open();
    const socket = client(number);
    socket.setNoDelay(true);
    for (const byte of AMQP_HEADER) {
      await new Promise((resolve) => socket.write(Buffer.from([byte]), resolve));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await received(socket, 8)).toEqual(AMQP_HEADER);
    expect(amqp).toEqual([{ secure: false }]);
  });

  it('speaks AMQP inside TLS with a certificate that the local authority vouches for', async () => {
    const { number, amqp } = await open();
    const socket = tlsClient(number);
    await once(socket, 'secureConnect');
    expect(socket.authorized).toBe(true);
    socket.write(AMQP_HEADER);
    expect(await received(socket, 8)).toEqual(AMQP_HEADER);
    expect(amqp).toEqual([{ secure: true }]);
  });

  it('serves HTTP and HTTPS', async () => {
    const { number } = await open({ host: 'localhost' });
    expect(await fetchText(httpRequest, number)).toBe('GET /queue?x=1 ');
    expect(await fetchText(httpsRequest, number)).toBe('GET /queue?x=1 ');
    expect(await fetchText(httpsRequest, number, 'a'.repeat(300_000))).toBe(`PUT /queue?x=1 ${'a'.repeat(300_000)}`);
  });

  it('closes a connection that speaks nothing known, TLS inside TLS included', async () => {
    const { number, port } = await open();
    const garbage = client(number);
    garbage.write('SSH-2.0-OpenSSH\r\n');
    await once(garbage, 'close');
    const brokenTls = client(number);
    brokenTls.write(Buffer.from([0x16, 0x03, 0x01, 0x00, 0x05, 1, 2, 3, 4, 5]));
    brokenTls.resume();
    await once(brokenTls, 'close');
    const nested = tlsClient(number);
    nested.write(Buffer.from([0x16, 0x03, 0x01]));
    nested.resume();
    await once(nested, 'close');
    expect(port.connections).toBe(0);
  });

  it('closes a silent connection after the deadline, before and inside TLS', async () => {
    const { number } = await open({ helloTimeoutMs: 50 });
    const silent = client(number).resume();
    const silentTls = tlsClient(number).resume();
    // Where the machine is slow this is before there is TLS, which is an error to the client.
    silentTls.on('error', () => {});
    await Promise.all([silent, silentTls].map((socket) => new Promise((resolve) => socket.once('close', resolve))));
  });

  it('closes a request that does not arrive in time, and a kept connection without a next one', async () => {
    const { number } = await open({ requestTimeoutMs: 50 });
    const slow = client(number).resume();
    const slowCloses = once(slow, 'close');
    slow.write('PUT /x HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\nonly this');
    const idle = client(number);
    idle.write('GET /x HTTP/1.1\r\nhost: localhost\r\n\r\n');
    expect((await received(idle, 15)).toString()).toMatch(/^HTTP\/1\.1 200/);
    await slowCloses;
    if (!idle.destroyed) await once(idle, 'close');
  });

  it('bounds the number of connections, and tells of each that is refused', async () => {
    const { number, port, refused: refusals } = await open({ maxConnections: 2 });
    const kept = [client(number), client(number)];
    for (const socket of kept) {
      socket.write(AMQP_HEADER);
      await once(socket, 'readable');
    }
    const refused = client(number).resume();
    await once(refused, 'close');
    expect(port.connections).toBe(2);
    expect(kept.some((socket) => socket.destroyed)).toBe(false);
    expect(refusals()).toBe(1);
  });

  it('says which address it cannot have', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as { port: number };
    await expect(open({ port })).rejects.toMatchObject({
      code: 'PS_PORT_UNAVAILABLE',
      facts: { reason: 'EADDRINUSE' },
    });
    ports.length = 0;
    taken.close();
  });

  it('stops: takes no more, cuts what does not end by the deadline, and can be stopped twice', async () => {
    const { number, port } = await open();
    const socket = client(number);
    socket.write(AMQP_HEADER);
    await once(socket, 'readable');
    const silent = client(number).resume();
    await once(silent, 'connect');
    const stopped = port.stop({ deadlineMs: 50 });
    await Promise.all([stopped, port.stop({ deadlineMs: 50 })]);
    expect(port.connections).toBe(0);
    const [refusal] = await once(client(number), 'error');
    expect(refusal).toMatchObject({ code: 'ECONNREFUSED' });
  });
});

describe('a certificate that is renewed', () => {
  it('is shown to the connections that come, and those that are there go on', async () => {
    const { port, number } = await openForRenewal();
    const before = await shown(number);
    const renewed = mkdtempSync(join(tmpdir(), 'penstock-renewed-'));
    const next = await ensureCertificates(renewed, ['localhost'], Date.now());
    rmSync(renewed, { recursive: true });
    port.renewTls(next);
    const after = await shown(number);
    expect(after.serial).not.toBe(before.serial);
    expect(before.socket.readyState).toBe('open');
  });

  async function openForRenewal() {
    const port = createPort(
      {
        clock: systemClock,
        onAmqp: (socket) => void socket.on('error', () => {}),
        onHttp: (_, response) => response.end(),
        onRefused: () => {},
        onCut: () => {},
      },
      { host: '127.0.0.1', port: 0, tls, maxConnections: 100 },
    );
    ports.push(port);
    return { port, number: (await port.start()).port };
  }

  async function shown(port: number) {
    const socket = connectTls({ host: '127.0.0.1', port, servername: 'localhost', rejectUnauthorized: false });
    clients.push(socket);
    await once(socket, 'secureConnect');
    return { socket, serial: socket.getPeerCertificate().serialNumber };
  }
});
