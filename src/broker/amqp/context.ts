import type { Duplex } from 'node:stream';
import type { Connection, Container } from 'rhea';
import type { Clock } from '../../shared/clock.js';
import type { Logger } from '../../shared/logger.js';
import type { NamespacePort } from '../admin/index.js';
import type { Deletion, Namespace, Usage } from '../namespace/index.js';
import type { SasKeys } from '../security/index.js';
import type { AmqpFault } from './conditions.js';
import type { ReaderRegistry } from './epochs.js';
import type { Grants } from './grants.js';
import type { ProducerRegistry } from './idempotence.js';
import type { IncompleteDeliveries } from './incomplete.js';
import type { OutgoingShare } from './outgoing.js';
import type { Pressure } from './pressure.js';
import type { Egress } from './queue-egress.js';
import type { TransactionMemory, Transactions } from './transactions/registry.js';

export interface ConnectionDeps {
  readonly container: Container;
  readonly namespace: Namespace;
  /** For the rules that clients change over AMQP. */
  readonly admin: NamespacePort;
  /** How the namespace calls itself in errors: the host of the connection string. */
  readonly namespaceName: string;
  readonly keys: SasKeys;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly readers: ReaderRegistry;
  readonly producers: ProducerRegistry;
  readonly pressure: Pressure;
  /** Whether the disk has too little room for what is sent. */
  readonly isDiskLow: () => boolean;
  readonly joinOutgoing: () => OutgoingShare;
  readonly joinIncomplete: () => IncompleteDeliveries;
  readonly transactionMemory: TransactionMemory;
  readonly times: ConnectionTimes;
}

export interface ConnectionTimes {
  /** From the first bytes to the end of the `open` exchange. */
  readonly handshakeMs: number;
  /** From there to the first valid token. */
  readonly tokenMs: number;
  /** What the broker announces (section 2.4.5): a peer that is silent for twice as long is given up. */
  readonly idleTimeOutMs: number;
}

/** What the links of one connection share. */
export interface ConnectionContext extends ConnectionDeps {
  readonly connection: Connection;
  readonly socket: Duplex;
  readonly grants: Grants;
  readonly transactions: Transactions;
  /** To be called when a token was put. */
  readonly onTokens: () => void;
  readonly congested: () => boolean;
  readonly onError: (error: unknown) => void;
}

/** What one link has to be told when it ends, and when its socket can take more. */
export interface LinkService extends Partial<Egress> {
  /** The end of the link's entity. */
  readonly deletion?: Deletion;
  /** Of the link's entity, which is in use as long as the link is there. */
  readonly usage?: Usage;
  /** Why the link may not stay, as its entity's settings are now. */
  readonly objection?: () => AmqpFault | undefined;
}
