import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { OutgoingEvent } from '../../src/import/index.js';

interface TestRequest {
  readonly events: readonly OutgoingEvent[];
  readonly authorization: string | undefined;
  /** Counted from 1. */
  readonly number: number;
}

export interface TestAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text is sent as it is; anything else as JSON. */
  readonly body?: unknown;
}

/** `hang`: never answers. `drop`: closes the connection. */
export type Behaviour = (request: TestRequest) => TestAnswer | 'hang' | 'drop' | Promise<TestAnswer>;

export const results = (outcomes: readonly object[]): TestAnswer => ({ body: { results: outcomes } });

/** Accepts every event; one whose id was accepted before is a duplicate. */
export function acceptAll(): Behaviour {
  const seen = new Set<string>();
  return ({ events }) =>
    results(
      events.map(({ id }) => {
        const outcome = seen.has(id) ? 'duplicate' : 'accepted';
        seen.add(id);
        return { id, outcome };
      }),
    );
}

/** An HTTP server that answers `POST /v1/events` as the test says and keeps what it was sent. */
export async function startTestGateway(behaviour: Behaviour) {
  const requests: TestRequest[] = [];
  const control = { behaviour };
  const server = createServer((request, response) => void answer(request, response));

  async function answer(request: IncomingMessage, response: ServerResponse) {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (request.url !== '/v1/events' || request.method !== 'POST') {
      response.writeHead(404).end();
      return;
    }
    const received: TestRequest = {
      events: JSON.parse(Buffer.concat(chunks).toString('utf8')) as OutgoingEvent[],
      authorization: request.headers.authorization,
      number: requests.length + 1,
    };
    requests.push(received);
    const said = await control.behaviour(received);
    if (said === 'hang') return;
    if (said === 'drop') {
      request.socket.destroy();
      return;
    }
    const body = typeof said.body === 'string' ? said.body : JSON.stringify(said.body ?? {});
    response.writeHead(said.status ?? 200, { 'content-type': 'application/json', ...said.headers }).end(body);
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    /** Changes what the server does from the next request on. */
    control,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
