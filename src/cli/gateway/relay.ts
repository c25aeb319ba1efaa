import { type Counted, dayOf, isOfQuota } from '../../gateway/index.js';
import type { Clock } from '../../shared/clock.js';
import type { FromWorker, ToWorker } from './messages.js';

/** A worker, as the process that started it sees it. */
export interface RelayedWorker {
  /** Workers from 0 to one below their number take events; others only empty a spool. */
  readonly number: number;
  send(message: ToWorker): void;
}

/** How long a worker may take to answer. */
const TIMEOUT_MS = 2_000;

/** Lets the workers of a gateway speak with one another. One that is being started again has nothing to say. */
export function createRelay(clock: Pick<Clock, 'now' | 'setTimer'>, workers: number) {
  const quotas = createQuotas(clock);
  const ready = new Set<RelayedWorker>();
  const open = new Map<number, (from: RelayedWorker, answer: unknown) => void>();
  let nextId = 0;

  function relayQuestion(asker: RelayedWorker, { id: askersId, ...message }: FromWorker & { type: 'ask' }): void {
    const id = nextId++;
    const asked = new Set(ready);
    const answers = new Map<RelayedWorker, unknown>();
    const finish = () => {
      cancel();
      open.delete(id);
      const ofNumber = new Map([...answers].map(([{ number }, answer]) => [number, answer]));
      const expected = Array.from({ length: workers }, (_, number) => ofNumber.get(number));
      const more = [...answers].flatMap(([{ number }, answer]) => (number < workers ? [] : [answer]));
      // JSON has no undefined.
      const all = [...expected, ...more].map((answer) => answer ?? null);
      asker.send({ type: 'answers', id: askersId, answers: all });
    };
    const cancel = clock.setTimer(finish, TIMEOUT_MS);
    open.set(id, (from, answer) => {
      if (!asked.delete(from)) return;
      answers.set(from, answer);
      if (asked.size === 0) finish();
    });
    for (const worker of asked) worker.send({ ...message, type: 'asked', id });
    if (asked.size === 0) finish();
  }

  return {
    receive(from: RelayedWorker, message: FromWorker): void {
      if (message.type === 'ask') relayQuestion(from, message);
      else if (message.type === 'answer') open.get(message.id)?.(from, message.answer);
      else if (message.type === 'counted') {
        quotas.add(message.counts);
        for (const worker of ready) if (worker !== from) worker.send(message);
      }
    },
    join(worker: RelayedWorker): void {
      ready.add(worker);
      const counts = quotas.today();
      if (counts.length > 0) worker.send({ type: 'counted', counts });
    },
    /** Nobody waits any more for what it would have said. */
    leave(worker: RelayedWorker): void {
      ready.delete(worker);
      for (const take of [...open.values()]) take(worker, undefined);
    },
  };
}

/** What has gone from the quotas today, for a worker that comes later: one that was started again has forgotten it. */
function createQuotas(clock: Pick<Clock, 'now'>) {
  let day = -1;
  const taken = new Map<string, number>();
  const turn = () => {
    const today = dayOf(clock.now());
    if (today !== day) taken.clear();
    day = today;
  };
  return {
    add(counts: readonly Counted[]): void {
      turn();
      for (const [name, , count] of counts) if (isOfQuota(name)) taken.set(name, (taken.get(name) ?? 0) + count);
    },
    today(): Counted[] {
      turn();
      return [...taken].map(([name, count]): Counted => [name, '', count]);
    },
  };
}

export type Relay = ReturnType<typeof createRelay>;
