import type { Duplex } from 'node:stream';
import { brokerStopping, storeFailed } from './conditions.js';
import { type AmqpConnection, serveConnection } from './connection.js';
import type { ConnectionDeps, ConnectionTimes } from './context.js';
import { createReaderRegistry } from './epochs.js';
import { createProducerRegistry } from './idempotence.js';
import { createIncompleteMemory } from './incomplete.js';
import { createOutgoingMemory } from './outgoing.js';
import { createPressure, MEMORY_BOUNDS, type MemoryBounds } from './pressure.js';
import { createAmqpContainer } from './rhea-connection.js';
import { createTransactionMemory } from './transactions/registry.js';

/** Azure's services announce the same idle time-out. */
const TIMES: ConnectionTimes = { handshakeMs: 20_000, tokenMs: 60_000, idleTimeOutMs: 240_000 };

type AmqpServerDeps = Omit<
  ConnectionDeps,
  'container' | 'readers' | 'producers' | 'pressure' | 'joinOutgoing' | 'joinIncomplete' | 'transactionMemory' | 'times'
>;

interface AmqpFacts {
  readonly connections: number;
  readonly links: number;
  readonly readers: readonly {
    /** `hub|consumer group|partition`, in lower case. */
    readonly place: string;
    readonly epoch: number | undefined;
    readonly nextSequence: number | undefined;
  }[];
}

export interface AmqpServer {
  /** Serves a socket whose first bytes are still to be read. */
  accept(socket: Duplex): void;
  facts(): AmqpFacts;
  /** Tells every client to go: the broker stops, or it has failed. */
  close(reason: 'stopping' | 'failed'): void;
}

export interface AmqpServerOptions {
  readonly times?: Partial<ConnectionTimes> | undefined;
  readonly memory?: Partial<MemoryBounds> | undefined;
}

export function createAmqpServer(deps: AmqpServerDeps, options: AmqpServerOptions = {}): AmqpServer {
  const memory = { ...MEMORY_BOUNDS, ...options.memory };
  const container = createAmqpContainer('penstock-broker');
  container.on('error', (error: unknown) => deps.logger.error({ err: error }, 'connection failed'));
  const shared: ConnectionDeps = {
    ...deps,
    container,
    readers: createReaderRegistry(),
    producers: createProducerRegistry(),
    pressure: createPressure(memory),
    joinOutgoing: createOutgoingMemory(memory.outgoingBytes),
    joinIncomplete: createIncompleteMemory(memory.incompleteBytes),
    transactionMemory: createTransactionMemory(),
    times: { ...TIMES, ...options.times },
  };
  const connections = new Set<AmqpConnection>();
  return {
    accept(socket) {
      const connection = serveConnection(shared, socket, () => connections.delete(connection));
      connections.add(connection);
    },
    facts: () => ({
      connections: connections.size,
      links: [...connections].reduce((sum, connection) => sum + connection.links(), 0),
      readers: shared.readers
        .all()
        .map(({ place, reader }) => ({ place, epoch: reader.epoch, nextSequence: reader.nextSequence?.() })),
    }),
    close(reason) {
      const fault = reason === 'failed' ? storeFailed : brokerStopping;
      for (const connection of connections) connection.close(fault);
    },
  };
}
