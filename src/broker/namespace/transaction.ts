import type { IncomingMessage } from '../message/index.js';
import type { Store, Write } from '../store/types.js';
import type { Destination } from './forwarding.js';
import { commitStaged, type Verdicts } from './inlet.js';
import type { PreparedSettlement } from './settling.js';
import type { Staged } from './staged.js';

/** Where a message is put: a queue or topic that may have gone when the transaction commits. */
export type TransactedEntity = Pick<Destination, 'inlet'> & { readonly deletion: { readonly done: boolean } };

export type CommitOutcome = 'committed' | 'lock-lost' | 'entity-gone';

/** Sends and settlements that become durable together or not at all. Nothing of them is seen before. */
export interface Transaction {
  put(entity: TransactedEntity, messages: readonly IncomingMessage[]): void;
  /** `prepared` is undefined inside when the lock was lost already; the transaction can then only be rolled back. */
  settle(prepared: Promise<PreparedSettlement | undefined>): void;
  /** In one commit of the store. */
  commit(): Promise<CommitOutcome>;
}

type Step =
  | { readonly kind: 'put'; readonly entity: TransactedEntity; readonly messages: readonly IncomingMessage[] }
  | { readonly kind: 'settle'; readonly prepared: Promise<PreparedSettlement | undefined> };

type Ready =
  | { readonly kind: 'put'; readonly entity: TransactedEntity; readonly stage: () => readonly Staged[] }
  | { readonly kind: 'settle'; readonly prepared: PreparedSettlement | undefined };

/** Everything that has to be read before the step in which the transaction happens. */
async function prepare(step: Step): Promise<Ready> {
  if (step.kind === 'settle') return { kind: 'settle', prepared: await step.prepared };
  const { entity, messages } = step;
  const verdicts: Verdicts = await entity.inlet.lookUp(messages);
  return { kind: 'put', entity, stage: () => entity.inlet.stage(messages, verdicts) };
}

export function createTransaction(store: Store): Transaction {
  const steps: Step[] = [];
  return {
    put: (entity, messages) => void steps.push({ kind: 'put', entity, messages }),
    settle(prepared) {
      prepared.catch(() => {});
      steps.push({ kind: 'settle', prepared });
    },
    async commit() {
      const ready = await Promise.all(steps.map(prepare));
      // From here on it is one step: memory changes and the commit is called with nothing in between.
      if (ready.some((one) => one.kind === 'put' && one.entity.deletion.done)) return 'entity-gone';
      if (ready.some((one) => one.kind === 'settle' && !one.prepared?.holds())) return 'lock-lost';
      const writes: Write[] = [];
      const staged: Staged[] = [];
      const done: (() => void)[] = [];
      for (const one of ready) {
        if (one.kind === 'put') staged.push(...one.stage());
        else if (one.prepared) {
          const applied = one.prepared.apply();
          writes.push(...applied.writes);
          staged.push(...applied.staged);
          done.push(applied.done);
        }
      }
      await commitStaged(store, staged, writes);
      for (const finish of done) finish();
      return 'committed';
    },
  };
}
