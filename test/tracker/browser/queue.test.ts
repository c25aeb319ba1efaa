import { describe, expect, it } from 'vitest';
import { type Answer, createQueue } from '../../../src/tracker/browser/queue.js';
import { createManualClock } from '../../helpers/manual-clock.js';

interface Envelope {
  readonly sentAt: string;
  readonly events: { readonly id: number }[];
}

/** A queue on virtual time whose posts wait for the test to answer them. */
function harness(beaconTakes = Number.POSITIVE_INFINITY) {
  const clock = createManualClock();
  const posted: Envelope[] = [];
  const beacons: Envelope[] = [];
  let answer: (answer: Answer) => void = () => {};
  const queue = createQueue({
    post: (body) =>
      new Promise((resolve) => {
        posted.push(JSON.parse(body) as Envelope);
        answer = resolve;
      }),
    beacon(body) {
      if (beacons.length >= beaconTakes) return false;
      beacons.push(JSON.parse(body) as Envelope);
      return true;
    },
    now: clock.now,
    random: () => 1,
    setTimer: clock.setTimer,
  });
  return {
    clock,
    posted,
    beacons,
    queue,
    add(from: number, to: number) {
      for (let id = from; id <= to; id++) queue.add(JSON.stringify({ id }));
    },
    async answer(status: number, more: Omit<Answer, 'status'> = {}) {
      answer({ status, ...more });
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

const idsOf = (envelopes: readonly Envelope[]) => envelopes.map(({ events }) => events.map(({ id }) => id));
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

describe('the queue', () => {
  it('waits a second for company, then sends what is there in one request', () => {
    const { queue: _, add, clock, posted } = harness();
    add(1, 3);
    clock.advance(999);
    expect(posted).toEqual([]);
    clock.advance(1);
    expect(idsOf(posted)).toEqual([[1, 2, 3]]);
    expect(posted[0]?.sentAt).toBe(new Date(clock.now()).toISOString());
  });

  it('does not wait once 20 events are there, and sends 20 at the most', async () => {
    const { add, clock, posted, answer } = harness();
    add(1, 45);
    expect(idsOf(posted)).toEqual([range(1, 20)]);
    await answer(200);
    clock.advance(0);
    expect(idsOf(posted).at(-1)).toEqual(range(21, 40));
    await answer(200);
    clock.advance(1_000);
    expect(idsOf(posted).at(-1)).toEqual(range(41, 45));
  });

  it('keeps a request under the size that may outlive the page', () => {
    const { queue, clock, posted } = harness();
    for (let id = 1; id <= 3; id++) queue.add(JSON.stringify({ id, text: 'x'.repeat(9_000) }));
    clock.advance(1_000);
    expect(idsOf(posted)).toEqual([[1, 2]]);
  });

  it.each([0, 408, 429, 500, 503])('sends the same events again after status %i', async (status) => {
    const { add, clock, posted, answer } = harness();
    add(1, 2);
    clock.advance(1_000);
    await answer(status);
    clock.advance(1_000);
    expect(idsOf(posted)).toEqual([
      [1, 2],
      [1, 2],
    ]);
    await answer(200);
    clock.advance(3_600_000);
    expect(posted).toHaveLength(2);
  });

  it.each([200, 202, 400, 401, 413])('takes status %i as final', async (status) => {
    const { add, clock, posted, answer } = harness();
    add(1, 2);
    clock.advance(1_000);
    await answer(status);
    clock.advance(3_600_000);
    expect(posted).toHaveLength(1);
  });

  it('tells the time of each sending anew', async () => {
    const { add, clock, posted, answer } = harness();
    add(1, 1);
    clock.advance(1_000);
    await answer(503);
    clock.advance(1_000);
    expect(posted[1]?.sentAt).not.toBe(posted[0]?.sentAt);
  });

  it('comes back when the server said so', async () => {
    const { add, clock, posted, answer } = harness();
    add(1, 1);
    clock.advance(1_000);
    await answer(503, { retryAfter: '7' });
    clock.advance(6_999);
    expect(posted).toHaveLength(1);
    clock.advance(1);
    expect(posted).toHaveLength(2);
  });

  it('sends again single events that could not be taken yet, before newer ones, and no others', async () => {
    const { add, clock, posted, answer } = harness();
    add(1, 4);
    clock.advance(1_000);
    add(5, 5);
    await answer(200, { again: [false, true, false, true], retryAfter: '3' });
    clock.advance(2_999);
    expect(posted).toHaveLength(1);
    clock.advance(1);
    expect(idsOf(posted)).toEqual([
      [1, 2, 3, 4],
      [2, 4, 5],
    ]);
  });

  it('backs off further after each failure, up to a minute, and new events do not hurry it', async () => {
    const { add, clock, posted, answer } = harness();
    add(1, 1);
    clock.advance(1_000);
    for (const delayMs of [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]) {
      const before = posted.length;
      await answer(0);
      add(2, 40);
      clock.advance(delayMs - 1);
      expect(posted).toHaveLength(before);
      clock.advance(1);
      expect(posted).toHaveLength(before + 1);
    }
  });

  it('is patient again from the start after a success', async () => {
    const { add, clock, posted, answer } = harness();
    add(1, 1);
    clock.advance(1_000);
    await answer(503);
    clock.advance(1_000);
    await answer(200);
    add(2, 2);
    clock.advance(1_000);
    await answer(503);
    clock.advance(1_000);
    expect(posted).toHaveLength(4);
  });

  it('holds 1000 events at the most and lets the oldest go, never those under way', async () => {
    const { add, clock, posted, answer } = harness();
    add(1, 20);
    add(21, 1_100);
    await answer(200);
    for (let turn = 0; turn < 60; turn++) {
      clock.advance(1_000);
      await answer(200);
    }
    expect(idsOf(posted).flat()).toEqual([...range(1, 20), ...range(121, 1_100)]);
  });
});

describe('leaving the page', () => {
  it('hands everything that waits to beacons', () => {
    const { add, beacons, queue, clock, posted } = harness();
    add(1, 5);
    queue.leave();
    expect(idsOf(beacons)).toEqual([range(1, 5)]);
    clock.advance(3_600_000);
    expect(posted).toEqual([]);
  });

  it('leaves alone what a request under way carries', async () => {
    const { add, beacons, queue, posted, answer, clock } = harness();
    add(1, 20);
    add(21, 22);
    queue.leave();
    expect(idsOf(beacons)).toEqual([[21, 22]]);
    await answer(503);
    clock.advance(1_000);
    expect(idsOf(posted).at(-1)).toEqual(range(1, 20));
  });

  it('keeps what the browser does not take, for a page that comes back', () => {
    const { add, beacons, queue, clock, posted } = harness(1);
    add(1, 5);
    queue.leave();
    add(6, 7);
    queue.leave();
    expect(idsOf(beacons)).toEqual([range(1, 5)]);
    clock.advance(1_000);
    expect(idsOf(posted)).toEqual([[6, 7]]);
  });
});
