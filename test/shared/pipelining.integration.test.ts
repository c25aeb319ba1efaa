import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { boundPipelining } from '../../src/shared/pipelining.js';
import { waitFor } from '../helpers/wait.js';

const LIMITS = { requestsPerConnection: 10, requestsBehind: 20 };
const request = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** A server that answers when it is told to. */
async function listen() {
  const due: ServerResponse[] = [];
  let cut = 0;
  const server = createServer((_request, response) => void due.push(response));
  boundPipelining(
    server,
    () => {
      cut++;
    },
    LIMITS,
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  cleanups.push(() => server.close());
  const open = async (): Promise<{ readonly socket: Socket; readonly seen: { answers: number; closed: boolean } }> => {
    const socket = connect({ port, host: '127.0.0.1' });
    cleanups.push(() => socket.destroy());
    const seen = { answers: 0, closed: false };
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      seen.answers += text.split('HTTP/1.1 200').length - 1;
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      seen.closed = true;
    });
    await once(socket, 'connect');
    return { socket, seen };
  };
  return {
    open,
    due,
    cut: () => cut,
    answerAll() {
      for (const response of due.splice(0)) response.end();
    },
  };
}

it('requests ahead of their answers are answered in turn, as many as may wait, again and again', async () => {
  const { open, due, answerAll, cut } = await listen();
  const { socket, seen } = await open();
  for (let round = 1; round <= 5; round++) {
    socket.write(request.repeat(LIMITS.requestsPerConnection));
    await waitFor('the requests', () => due.length === LIMITS.requestsPerConnection);
    answerAll();
    await waitFor('the answers', () => seen.answers === round * LIMITS.requestsPerConnection);
  }
  expect([cut(), seen.closed]).toEqual([0, false]);
});

it('a connection with more is cut, and nothing that came behind is looked at', async () => {
  const { open, due, cut } = await listen();
  const { socket, seen } = await open();
  socket.write(request.repeat(1_000));
  await waitFor('the end', () => seen.closed);
  expect([due.length, cut()]).toEqual([LIMITS.requestsPerConnection, 1]);
});

it('all connections together have a bound, which spares those that wait for their answers', async () => {
  const { open, due, answerAll, cut } = await listen();
  const greedy = [await open(), await open(), await open()];
  for (const [index, { socket }] of greedy.entries()) {
    socket.write(request.repeat(8));
    if (index < 2) await waitFor('the requests', () => due.length === 8 * (index + 1));
  }
  await waitFor('one to be cut', () => greedy[2]?.seen.closed);
  // Seven behind the first of each of two, and six of the third, which are no more behind anything once it is cut.
  expect(cut()).toBe(1);
  const modest = await open();
  modest.socket.write(request);
  await waitFor('the modest one', () => due.length === 16 + 7 + 1);
  answerAll();
  await waitFor('the answers', () => modest.seen.answers === 1);
  await waitFor('theirs', () => greedy[0]?.seen.answers === 8 && greedy[1]?.seen.answers === 8);

  const next = await open();
  next.socket.write(request.repeat(LIMITS.requestsPerConnection));
  await waitFor('room for others', () => due.length === LIMITS.requestsPerConnection);
  expect(cut()).toBe(1);
});
