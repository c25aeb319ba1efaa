import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { Transform } from 'node:stream';

/** `up` is from the client to the server. */
type Direction = 'up' | 'down';

export interface TestProxy {
  readonly url: string;
  readonly port: number;
  /** Breaks every connection, and takes no more. */
  cut(): void;
  /** Takes connections again, on the same port. */
  mend(): Promise<void>;
  /** Breaks every connection, and takes new ones at once. */
  breakAll(): void;
  /** Holds back what goes in these directions, the end of a connection too. Nobody is told: connections are half-open. */
  hold(...directions: readonly Direction[]): void;
  /** Lets go of what was held back. */
  release(): void;
  /** Everything takes this much longer, in each direction. */
  slow(latencyMs: number): void;
  /** Where new connections lead from now on. */
  retarget(port: number): void;
  stop(): Promise<void>;
}

/** What every connection of a proxy passes, in one direction. */
interface Gate {
  latencyMs: number;
  /** Resolves when it is open; undefined while it is. */
  opened: Promise<void> | undefined;
  open(): void;
}

function createGate(): Gate & { close(): void } {
  const gate = {
    latencyMs: 0,
    opened: undefined as Promise<void> | undefined,
    open() {},
    close() {
      gate.opened ??= new Promise((resolve) => {
        gate.open = () => {
          gate.opened = undefined;
          resolve();
        };
      });
    },
  };
  return gate;
}

async function pass(gate: Gate): Promise<void> {
  if (gate.latencyMs > 0) await new Promise((resolve) => setTimeout(resolve, gate.latencyMs));
  while (gate.opened !== undefined) await gate.opened;
}

/** Leads what `from` sends, and its end, through the gate to `to`. */
function lead(from: Socket, to: Socket, gate: Gate): void {
  const passage = new Transform({
    transform(chunk, _encoding, done) {
      if (gate.latencyMs === 0 && gate.opened === undefined) done(null, chunk);
      else void pass(gate).then(() => done(null, chunk));
    },
  });
  from.pipe(passage).pipe(to);
  from.on('error', () => {});
  from.on('close', () => void pass(gate).then(() => to.destroy()));
}

/** A TCP proxy to a port of this machine, which can be disturbed: the network between a client and a server that is well. */
export async function startProxy(targetPort: number): Promise<TestProxy> {
  const sockets = new Set<Socket>();
  const gates = { up: createGate(), down: createGate() };
  let target = targetPort;
  let server: Server;
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  };
  const listen = async (port: number) => {
    server = createServer((client) => {
      const upstream = connect(target, '127.0.0.1');
      keep(client);
      keep(upstream);
      lead(client, upstream, gates.up);
      lead(upstream, client, gates.down);
    });
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  const breakAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  const cut = () => {
    server.close();
    breakAll();
  };
  const release = () => {
    for (const gate of [gates.up, gates.down]) gate.open();
  };
  const port = await listen(0);
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    cut,
    async mend() {
      await listen(port);
    },
    breakAll,
    hold(...directions) {
      for (const direction of directions) gates[direction].close();
    },
    release,
    slow(latencyMs) {
      for (const gate of [gates.up, gates.down]) gate.latencyMs = latencyMs;
    },
    retarget(newTarget) {
      target = newTarget;
    },
    async stop() {
      cut();
      release();
      if (server.listening) await once(server, 'close');
    },
  };
}
