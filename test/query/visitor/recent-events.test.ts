import { describe, expect, it } from 'vitest';
import type { HubReader, PartitionEvent } from '../../../src/messaging/index.js';
import { recentEvents } from '../../../src/query/visitor/recent-events.js';
import { createManualClock } from '../../helpers/manual-clock.js';

const MINUTE_MS = 60_000;
const NOW_MS = Date.UTC(2026, 10, 21, 12);

const event = (id: string, minutesAgo: number, data: object = { anonymousId: 'me' }) => ({
  id,
  type: 'page_view',
  time: new Date(NOW_MS - minutesAgo * MINUTE_MS).toISOString(),
  source: 'shop',
  data,
});

interface Sent {
  readonly minutesAgo: number;
  readonly body: unknown;
}

/** A hub in memory: the port, without what stands behind it. `hangs`: nothing comes of reading. */
function hubOf(partitions: readonly (readonly Sent[])[], hangs = false): HubReader & { bytesRead: number } {
  const log = partitions.map((sent, partition) =>
    sent.map(
      ({ minutesAgo, body }, index): PartitionEvent => ({
        partitionId: String(partition),
        sequenceNumber: index,
        offset: String(index),
        enqueuedAtMs: NOW_MS - minutesAgo * MINUTE_MS,
        body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
      }),
    ),
  );
  return {
    bytesRead: 0,
    async partitions() {
      return log.map((events, partition) => ({
        partitionId: String(partition),
        empty: events.length === 0,
        firstSequenceNumber: 0,
        lastSequenceNumber: events.length - 1,
        lastEnqueuedAtMs: events.at(-1)?.enqueuedAtMs ?? 0,
      }));
    },
    async *read(partitionId, fromMs) {
      for (const each of log[Number(partitionId)] ?? []) {
        if (each.enqueuedAtMs < fromMs || hangs) continue;
        this.bytesRead += each.body.byteLength;
        yield [each];
      }
      // A hub waits for more, forever.
      await new Promise(() => {});
    },
    async close() {},
  };
}

const clockNow = () => createManualClock(NOW_MS);
const idsOf = ({ events }: { readonly events: readonly { readonly id: string }[] }) => events.map(({ id }) => id);

describe('the recent events of a visitor', () => {
  it('are those of all partitions under either name, newest first', async () => {
    const hub = hubOf([
      [
        { minutesAgo: 40, body: [event('a', 40), event('other', 40, { anonymousId: 'you' })] },
        { minutesAgo: 1, body: [event('b', 1, { anonymousId: 'x', userId: 'me' })] },
      ],
      [{ minutesAgo: 10, body: event('c', 10, { anonymousId: 'me', page: { path: '/shoes' } }) }],
      [],
    ]);
    const recent = await recentEvents(hub, 'me', clockNow());
    expect(idsOf(recent)).toEqual(['b', 'c', 'a']);
    expect(recent).toMatchObject({ minutes: 60, complete: true });
    expect(recent.events[1]).toMatchObject({ path: '/shoes', source: 'shop' });
  });

  it('are told once, whatever else is in the hub', async () => {
    const hub = hubOf([
      [
        { minutesAgo: 3, body: [event('a', 3), event('a', 3)] },
        { minutesAgo: 3, body: 'me "me" is no JSON' },
        {
          minutesAgo: 3,
          body: [null, { data: null }, { data: { anonymousId: 'me' } }, 'me', { id: 'me', data: 'me' }],
        },
        { minutesAgo: 2, body: [event('a', 3)] },
      ],
    ]);
    expect(idsOf(await recentEvents(hub, 'me', clockNow()))).toEqual(['a']);
  });

  it('are found without reading further back than their number needs', async () => {
    const hub = hubOf([
      [
        ...Array.from({ length: 50 }, () => ({ minutesAgo: 30, body: [event('old', 30)] })),
        { minutesAgo: 1, body: [event('new', 1)] },
      ],
    ]);
    const options = { maxEvents: 1, deadlineMs: 1_000, slicesMinutes: [2, 60] };
    expect(await recentEvents(hub, 'me', clockNow(), options)).toMatchObject({ minutes: 2, events: [{ id: 'new' }] });
    expect(hub.bytesRead).toBeLessThan(500);
  });

  it('are the newest so many, of however many there are', async () => {
    const sent = Array.from({ length: 500 }, (_, index) => ({
      minutesAgo: 1,
      body: [event(`e${index}`, 1 - index / 1_000)],
    }));
    const options = { maxEvents: 2, deadlineMs: 1_000, slicesMinutes: [2] };
    expect(idsOf(await recentEvents(hubOf([sent]), 'me', clockNow(), options))).toEqual(['e499', 'e498']);
  });

  it('are what was found until then when the hub says no more in time', async () => {
    const clock = clockNow();
    const reading = recentEvents(hubOf([[{ minutesAgo: 1, body: [event('a', 1)] }]], true), 'me', clock);
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(8_000);
    expect(await reading).toEqual({ events: [], minutes: 2, complete: false });
  });

  it('leave no timer behind', async () => {
    const clock = clockNow();
    await recentEvents(hubOf([[]]), 'me', clock);
    expect(clock.pending).toBe(0);
  });
});
