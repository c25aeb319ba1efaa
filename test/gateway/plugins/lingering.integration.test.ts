import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { waitFor } from '../../helpers/wait.js';
import { eventText, headWith, listenRaw, requestOf, statusesOf } from './raw-gateway.js';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function listen(http?: Parameters<typeof listenRaw>[0]) {
  const gateway = await listenRaw(http);
  cleanups.push(gateway.close);
  return gateway;
}

const PIECE = 'x'.repeat(64 * 1024);

/** Writes piece by piece, each once the one before is on its way. */
async function keepSending(socket: Socket, pieces: number): Promise<void> {
  for (let piece = 0; piece < pieces; piece++) {
    await new Promise<void>((resolve, reject) => {
      socket.write(PIECE, (error) => (error ? reject(error) : resolve()));
    });
  }
}

describe('the last answer of a connection reaches a client that is still sending', () => {
  const event = requestOf(eventText('a'));
  it.each([
    ['asked for an upgrade', event.replace('Host: x', 'Host: x\r\nConnection: Upgrade\r\nUpgrade: h2c'), 200],
    ['asked for the end', event.replace('Host: x', 'Host: x\r\nConnection: close'), 200],
    ['has had its number of requests', event, 200],
    ['sends a body that is too large', `${headWith('Content-Length: 9000000\r\n')}\r\n`, 413],
    ['sends no HTTP', 'nonsense\r\n\r\n', 400],
  ])('that %s', async (_what, first, status) => {
    const { rig, open } = await listen({ requestsPerConnection: 1 });
    const { socket, seen, closed } = open();
    // Not looked at before everything is sent.
    socket.pause();
    socket.write(first);
    const other = open();
    other.socket.write(event.replace('"a"', '"b"'));
    await other.closed();
    if (status !== 413) socket.write(`${headWith(`Content-Length: ${20 * PIECE.length}\r\n`)}\r\n`);
    await keepSending(socket, 20);
    socket.resume();
    await closed();
    expect(statusesOf(seen.text)).toEqual([status]);
    expect(seen.text).toMatch(/^connection: close/im);
    expect(rig.brokers.hubEvents().length).toBe(status === 200 ? 2 : 1);
  });
});

it('a connection that the client does not close ends after a while', async () => {
  const { rig, open } = await listen({ requestsPerConnection: 1 });
  const { socket, seen, closed } = open({ allowHalfOpen: true });
  socket.write(requestOf(eventText('a')));
  await waitFor('the answer', () => statusesOf(seen.text).length === 1);
  expect(seen.closed).toBe(false);
  rig.clock.advance(2000);
  // Only what is written now can tell.
  await waitFor('the connection to be closed', () => {
    socket.write('x');
    return seen.closed;
  });
  await closed();
});
