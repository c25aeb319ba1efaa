import { afterEach, describe, expect, it } from 'vitest';
import { waitFor } from '../../helpers/wait.js';
import { eventText, headWith, listenRaw, listenRawWithSlowHub, requestOf, statusesOf } from './raw-gateway.js';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function listen(http?: Parameters<typeof listenRaw>[0]) {
  const gateway = await listenRaw(http);
  cleanups.push(gateway.close);
  return gateway;
}

async function listenWithSlowHub(http?: Parameters<typeof listenRaw>[0]) {
  const gateway = await listenRawWithSlowHub(http);
  cleanups.push(gateway.close);
  return gateway;
}

const GARBAGE = 'this is no HTTP\r\n\r\n';
const idsOf = (text: string) => [...text.matchAll(/"id":"([^"]+)"/g)].map(([, id]) => id);

describe('what is broken behind requests that are not answered yet', () => {
  it.each([
    ['no HTTP', GARBAGE, 400],
    ['no HTTP, and more of it', GARBAGE.repeat(100), 400],
    ['a head of too many bytes', headWith(`X-Long: ${'x'.repeat(20_000)}\r\n\r\n`), 431],
    ['a body in broken chunks', `${headWith('Transfer-Encoding: chunked\r\n')}\r\n3\r\nabcd`, 400],
    ['two lengths', `${headWith('Content-Length: 1\r\nTransfer-Encoding: chunked\r\n')}\r\n0\r\n\r\n`, 400],
  ])('is answered after them and closes the connection: %s', async (_what, broken, status) => {
    const { rig, open, pending, release } = await listenWithSlowHub();
    const { socket, seen, closed } = open();
    socket.write(requestOf(eventText('first')) + requestOf(eventText('second')) + broken);
    await pending();
    // Another one, so that the parser complains again.
    socket.write(GARBAGE);
    const other = open();
    other.socket.write(GARBAGE);
    await other.closed();
    expect(seen).toEqual({ text: '', closed: false });
    release();
    await closed();
    expect(statusesOf(seen.text)).toEqual([200, 200, status]);
    expect(idsOf(seen.text)).toEqual(['first', 'second']);
    expect(seen.text.match(/^connection: close/gim)).toHaveLength(1);
    expect(rig.brokers.hubEvents().map(({ id }) => id)).toEqual(['first', 'second']);
  });

  it('is answered after them when it only does not arrive in time', async () => {
    const { open, pending, release } = await listenWithSlowHub({ headersTimeoutMs: 200, requestTimeoutMs: 400 });
    const { socket, seen, closed } = open();
    socket.write(requestOf(eventText('first')));
    await pending();
    socket.write(headWith('X-Slow: '));
    const other = open();
    other.socket.write(headWith('X-Slow: '));
    await other.closed();
    expect(statusesOf(other.seen.text)).toEqual([408]);
    expect(seen.text).toBe('');
    release();
    await closed();
    expect(statusesOf(seen.text)).toEqual([200, 408]);
  });

  it('is answered after them when the client says nothing more', async () => {
    const { open, pending, release } = await listenWithSlowHub();
    const { socket, seen, closed } = open({ allowHalfOpen: true });
    socket.end(requestOf(eventText('first')) + headWith());
    socket.on('end', () => socket.destroy());
    await pending();
    release();
    await closed();
    expect(statusesOf(seen.text)).toEqual([200, 400]);
  });

  it('does not wait for ever: the connection ends', async () => {
    const { rig, open, pending } = await listenWithSlowHub();
    const { socket, seen, closed } = open();
    socket.write(requestOf(eventText('first')) + GARBAGE);
    await pending();
    const other = open();
    other.socket.write(GARBAGE);
    await other.closed();
    rig.clock.advance(30_000);
    await closed();
    expect(seen.text).toBe('');
  });
});

describe('what is broken', () => {
  it('is answered once when its request was answered before its body came', async () => {
    const { open } = await listen();
    const { socket, seen, closed } = open();
    socket.write('POST /nowhere HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
    await waitFor('the answer', () => seen.text.includes('PS_NOT_FOUND'));
    socket.write('no chunk');
    await closed();
    expect(statusesOf(seen.text)).toEqual([404]);
  });

  it('ends the connection also for a client that does not close it', async () => {
    const { rig, open } = await listen();
    const { socket, seen, closed } = open({ allowHalfOpen: true });
    socket.write(GARBAGE);
    await waitFor('the answer', () => seen.text.includes('PS_REQUEST_INVALID'));
    expect(seen.closed).toBe(false);
    rig.clock.advance(2000);
    // Only what is written now can tell.
    await waitFor('the connection to be closed', () => {
      socket.write('x');
      return seen.closed;
    });
    await closed();
  });
});

const hidden = requestOf(eventText('smuggled'));
const chunked = `${headWith('Transfer-Encoding: chunked\r\n')}\r\n`;

describe('requests whose length two parsers could read in two ways are refused, and nothing behind them is read', () => {
  it.each([
    ['length and chunks', `${headWith('Content-Length: 4\r\nTransfer-Encoding: chunked\r\n')}\r\n0\r\n\r\n`],
    ['chunks and length', `${headWith('Transfer-Encoding: chunked\r\nContent-Length: 4\r\n')}\r\n0\r\n\r\n`],
    ['two lengths that differ', headWith(`Content-Length: 0\r\nContent-Length: ${hidden.length}\r\n\r\n`)],
    ['two lengths that agree', headWith('Content-Length: 0\r\nContent-Length: 0\r\n\r\n')],
    ['a list of lengths', headWith('Content-Length: 0, 0\r\n\r\n')],
    ['a length with a sign', headWith('Content-Length: +0\r\n\r\n')],
    ['an unknown coding', `${headWith('Transfer-Encoding: xchunked\r\n')}\r\n0\r\n\r\n`],
    ['chunks that are not last', `${headWith('Transfer-Encoding: chunked, gzip\r\n')}\r\n0\r\n\r\n`],
    ['two codings', headWith('Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n')],
    ['a blank before the colon', `${headWith('Transfer-Encoding : chunked\r\n')}\r\n0\r\n\r\n`],
    ['a folded header', `${headWith('X: y\r\n Transfer-Encoding: chunked\r\nContent-Length: 0\r\n')}\r\n`],
    ['lines that end in LF alone', headWith('Content-Length: 0\r\n\r\n').replaceAll('\r\n', '\n')],
    ['a chunk that is longer than it says', `${chunked}1\r\nxx\r\n0\r\n\r\n`],
    ['a chunk size of 65 bits', `${chunked}10000000000000001\r\n`],
    ['a chunk size with a sign', `${chunked}-1\r\n`],
  ])('%s', async (_what, ambiguous) => {
    const { rig, open } = await listen();
    const { socket, seen, closed } = open();
    socket.write(ambiguous + hidden);
    await closed();
    expect(statusesOf(seen.text)).toEqual([400]);
    expect(seen.text).toContain('PS_REQUEST_INVALID');
    expect(rig.brokers.hubEvents()).toEqual([]);
  });
});
