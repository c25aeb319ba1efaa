import { expect, it } from 'vitest';
import { createBudget } from '../../../src/gateway/publish/budget.js';
import { createPublisher } from '../../../src/gateway/publish/publisher.js';
import type { OutgoingEvent, Sink } from '../../../src/gateway/publish/sink.js';
import type { Outcome, Ticket } from '../../../src/gateway/publish/ticket.js';
import { createManualClock } from '../../helpers/manual-clock.js';

/** A sink that settles what it was given when, and as, the test says. */
function createHeldSink(retryAfterSeconds?: number) {
  const held: { readonly index: number; readonly ticket: Ticket }[] = [];
  const sink: Pick<Sink, 'add' | 'retryAfterSeconds'> = {
    add: (events, ticket) => void held.push(...events.map(({ index }) => ({ index, ticket }))),
    retryAfterSeconds: () => retryAfterSeconds,
  };
  const settle = (outcome: Outcome) => {
    for (const { index, ticket } of held.splice(0)) ticket.settle([index], outcome);
  };
  return { sink: sink as Sink, settle };
}

const eventOf = (index: number): OutgoingEvent => ({
  ...{ json: '{}', heldBytes: 60, partitionKey: 'v', message: undefined, index },
});

function createRig() {
  const clock = createManualClock();
  const budget = createBudget(clock, 100);
  return { budget, publish: createPublisher(clock, budget, { publishTimeoutMs: 1_000 }) };
}

it('what an event takes of the memory is given back when it is settled, and not before', async () => {
  const { budget, publish } = createRig();
  const { sink, settle } = createHeldSink();
  const first = publish(new Map([[sink, [eventOf(0)]]]));
  expect(budget.pendingBytes()).toBe(60);
  const refused = await publish(new Map([[sink, [eventOf(0)]]]));
  expect(refused.failures).toEqual(new Map([[0, 'overloaded']]));
  expect([budget.pendingBytes(), refused.retryAfterSeconds]).toEqual([60, undefined]);
  settle('broker');
  expect((await first).failures.size).toBe(0);
  expect(budget.pendingBytes()).toBe(0);
});

it('what found no room on disk may come again when the slowest of its disks says so', async () => {
  const { publish } = createRig();
  const [topic, hub] = [createHeldSink(60), createHeldSink(7)];
  const settled = publish(
    new Map([
      [topic.sink, [{ ...eventOf(0), heldBytes: 2 }]],
      [hub.sink, [{ ...eventOf(1), heldBytes: 2 }]],
    ]),
  );
  topic.settle('broker');
  hub.settle('overloaded');
  expect(await settled).toMatchObject({ failures: new Map([[1, 'overloaded']]), retryAfterSeconds: 60 });
});
