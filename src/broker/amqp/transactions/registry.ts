import { randomBytes } from 'node:crypto';
import type { Clock } from '../../../shared/clock.js';
import type { IncomingMessage } from '../../message/index.js';
import type { CommitOutcome, PreparedSettlement, TransactedEntity, Transaction } from '../../namespace/index.js';
import { type AmqpFault, notAllowed } from '../conditions.js';
import { rolledBack, unknownTransaction } from './wire.js';

/** The service's limits. */
const MAX_MESSAGES = 100;
const TIME_OUT_MS = 120_000;
/** Our own: what open transactions may hold in memory. */
const MAX_SETTLEMENTS = 1000;
const MAX_OPEN = 100;
const MAX_BYTES = 64 * 1024 * 1024;

/** What the messages of all open transactions of a broker may take of its memory. */
export interface TransactionMemory {
  bytes: number;
}
export const createTransactionMemory = (): TransactionMemory => ({ bytes: 0 });

/** An open transaction as the links of its connection see it. A fault is an answer to the client. */
export interface OpenTransaction {
  readonly id: string;
  put(entity: TransactedEntity, messages: readonly IncomingMessage[]): AmqpFault | undefined;
  settle(prepared: Promise<PreparedSettlement | undefined>): AmqpFault | undefined;
}

/** The transactions of one connection. */
export interface Transactions {
  /** `owner` is the link to the coordinator: what it has not discharged when it ends is rolled back. */
  declare(owner: object): OpenTransaction | AmqpFault;
  find(id: string): OpenTransaction | undefined;
  /** Resolves when the outcome is durable. */
  discharge(id: string, fail: boolean): Promise<AmqpFault | undefined>;
  /** Rolls back those of one owner, or all. */
  abandon(owner?: object): void;
}

export interface TransactionsDeps {
  readonly clock: Clock;
  readonly begin: () => Transaction;
  readonly memory: TransactionMemory;
}

const tooMany = notAllowed(`Cannot send more than ${MAX_MESSAGES} messages in a single transaction.`);
const tooManySettlements = notAllowed(`Cannot settle more than ${MAX_SETTLEMENTS} messages in a single transaction.`);
const tooManyOpen: AmqpFault = {
  condition: 'amqp:resource-limit-exceeded',
  description: `A connection may have ${MAX_OPEN} transactions open at the most.`,
};
const noMemory: AmqpFault = {
  condition: 'com.microsoft:server-busy',
  description: 'Open transactions hold as many messages as they may. Wait, and try again.',
};

const WHY: Record<Exclude<CommitOutcome, 'committed'>, AmqpFault> = {
  'lock-lost': rolledBack('The transaction was rolled back: the lock of a message that it settles was lost.'),
  'entity-gone': rolledBack('The transaction was rolled back: an entity that it sends to was deleted.'),
};

interface Entry {
  readonly owner: object;
  readonly transaction: Transaction;
  readonly open: OpenTransaction;
  /** Frees what it holds. */
  end(): void;
}

export function createTransactions({ clock, begin, memory }: TransactionsDeps): Transactions {
  const entries = new Map<string, Entry>();

  function createOpen(id: string, transaction: Transaction) {
    let messages = 0;
    let settlements = 0;
    let bytes = 0;
    const open: OpenTransaction = {
      id,
      put(entity, added) {
        const size = added.reduce((sum, { raw }) => sum + raw.length, 0);
        if (messages + added.length > MAX_MESSAGES) return tooMany;
        if (memory.bytes + size > MAX_BYTES) return noMemory;
        messages += added.length;
        bytes += size;
        memory.bytes += size;
        transaction.put(entity, added);
        return undefined;
      },
      settle(prepared) {
        if (settlements >= MAX_SETTLEMENTS) return tooManySettlements;
        settlements++;
        transaction.settle(prepared);
        return undefined;
      },
    };
    const release = () => {
      memory.bytes -= bytes;
      bytes = 0;
    };
    return { open, release };
  }

  return {
    declare(owner) {
      if (entries.size >= MAX_OPEN) return tooManyOpen;
      const id = randomBytes(16).toString('hex');
      const transaction = begin();
      const { open, release } = createOpen(id, transaction);
      const end = () => {
        entries.delete(id);
        cancelTimeOut();
        release();
      };
      const cancelTimeOut = clock.setTimer(end, TIME_OUT_MS);
      entries.set(id, { owner, transaction, open, end });
      return open;
    },

    find: (id) => entries.get(id)?.open,

    async discharge(id, fail) {
      const entry = entries.get(id);
      if (entry === undefined) return unknownTransaction;
      if (fail) {
        entry.end();
        return undefined;
      }
      // No more may be added, and what it holds counts until it is on disk.
      entries.delete(id);
      try {
        const outcome = await entry.transaction.commit();
        return outcome === 'committed' ? undefined : WHY[outcome];
      } finally {
        entry.end();
      }
    },

    abandon(owner) {
      for (const entry of entries.values()) if (owner === undefined || entry.owner === owner) entry.end();
    },
  };
}
