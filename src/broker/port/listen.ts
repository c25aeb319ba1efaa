import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { listenError } from '../../shared/listen-error.js';

export interface Listening {
  readonly port: number;
  close(): void;
}

const NO_SUCH_ADDRESS = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EINVAL']);
/** A free port of 127.0.0.1 may be taken on ::1; then another one is tried. */
const ATTEMPTS = 10;

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code ?? '';

async function open(host: string, port: number, onConnection: (socket: Socket) => void): Promise<Server> {
  const server = createServer({ noDelay: true, keepAlive: true, pauseOnConnect: false }, onConnection);
  server.listen({ host, port });
  await once(server, 'listening');
  return server;
}

const portOf = (server: Server) => (server.address() as AddressInfo).port;

async function openBoth(port: number, onConnection: (socket: Socket) => void): Promise<Server[] | 'taken'> {
  const first = await open('127.0.0.1', port, onConnection);
  try {
    return [first, await open('::1', portOf(first), onConnection)];
  } catch (error) {
    if (NO_SUCH_ADDRESS.has(codeOf(error))) return [first];
    first.close();
    if (port === 0 && codeOf(error) === 'EADDRINUSE') return 'taken';
    throw error;
  }
}

async function openAll(host: string, port: number, onConnection: (socket: Socket) => void): Promise<Server[]> {
  if (host !== 'localhost') return [await open(host, port, onConnection)];
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const servers = await openBoth(port, onConnection);
    if (servers !== 'taken') return servers;
  }
  throw new Error('no port is free on both 127.0.0.1 and ::1');
}

/**
 * Listens on `host`; `localhost` is 127.0.0.1 and, where the machine has it, ::1, both on the same port. Port 0 takes any free one.
 * @throws ListenError PS_PORT_UNAVAILABLE
 */
export async function listen(host: string, port: number, onConnection: (socket: Socket) => void): Promise<Listening> {
  try {
    const servers = await openAll(host, port, onConnection);
    return {
      port: portOf(servers[0] as Server),
      close() {
        for (const server of servers) server.close();
      },
    };
  } catch (cause) {
    throw listenError({ host, port }, cause);
  }
}
