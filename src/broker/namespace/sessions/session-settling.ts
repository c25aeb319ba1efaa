import type { SessionHold } from '../../entities/index.js';
import type { PreparedSettlement, SettleOutcome, Settling } from '../settling.js';
import type { PendingWork } from './pending-work.js';

export interface SessionSettlingDeps {
  readonly hold: SessionHold;
  readonly isAlive: () => boolean;
  /** Of the whole queue. */
  readonly operations: Settling;
  /** Takes a message back that was not delivered. */
  readonly giveBack: (token: string) => Promise<boolean>;
  readonly track: PendingWork['track'];
  /** Hands out what can be handed out. */
  readonly pump: () => void;
}

/** Settles for the holder of a session what it was given, as long as its lock on the session lasts. */
export function createSessionSettling(deps: SessionSettlingDeps) {
  const { hold, isAlive, operations, track, pump } = deps;
  const { tokens } = hold;

  async function settle(token: string, work: () => Promise<SettleOutcome>): Promise<SettleOutcome> {
    if (!isAlive() || !tokens.has(token)) return 'session-lock-lost';
    tokens.delete(token);
    const outcome = await track(work());
    pump();
    return outcome;
  }

  /** Until its transaction is committed the settlement is under way. */
  function apply(token: string, prepared: PreparedSettlement): ReturnType<PreparedSettlement['apply']> {
    tokens.delete(token);
    const { done, ...rest } = prepared.apply();
    let committed = () => {};
    void track(
      new Promise<void>((resolve) => {
        committed = resolve;
      }),
    );
    return {
      ...rest,
      done() {
        done();
        committed();
        pump();
      },
    };
  }

  const settling: Settling = {
    complete: (token) => settle(token, () => operations.complete(token)),
    abandon: (token, changes) => settle(token, () => operations.abandon(token, changes)),
    defer: (token, changes) => settle(token, () => operations.defer(token, changes)),
    deadLetter: (token, why) => settle(token, () => operations.deadLetter(token, why)),

    async receiveDeferred(sequences, mode) {
      if (!isAlive()) return undefined;
      const deliveries = await track(operations.receiveDeferred(sequences, mode, hold));
      if (mode === 'peek-lock' && Array.isArray(deliveries)) {
        for (const { lockToken } of deliveries) tokens.add(lockToken);
      }
      return deliveries;
    },

    async prepareSettlement(token, action) {
      const prepared = await operations.prepareSettlement(token, action);
      if (prepared === undefined) return undefined;
      const holds = () => isAlive() && tokens.has(token) && prepared.holds();
      return { holds, apply: () => apply(token, prepared) };
    },
  };

  return {
    ...settling,
    release: (token: string): Promise<SettleOutcome> =>
      settle(token, async () => ((await deps.giveBack(token)) ? 'done' : 'lock-lost')),
  };
}
