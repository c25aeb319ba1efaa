import { describe, expect, it } from 'vitest';
import type { HubReader, PartitionEvent } from '../../../src/messaging/index.js';
import { findPosition, type Sought } from '../../../src/query/event/position.js';
import { createManualClock } from '../../helpers/manual-clock.js';

const SENT_MS = Date.UTC(2026, 10, 21, 12);
const event = (id: string, source = 'shop') => ({ id, source });
const sought: Sought = { id: 'a', source: 'shop', partition: '1', fromMs: SENT_MS, toMs: SENT_MS + 50 };

/** A partition in memory: the port, without what stands behind it. `hangs`: nothing comes of reading. */
function hubOf(packs: readonly { readonly atMs: number; readonly body: unknown }[], hangs = false) {
  const read: number[] = [];
  const log = packs.map(
    ({ atMs, body }, index): PartitionEvent => ({
      ...{ partitionId: '1', sequenceNumber: 7 + index, offset: String(index), enqueuedAtMs: SENT_MS + atMs },
      body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
    }),
  );
  const reader: Pick<HubReader, 'partitions' | 'read'> = {
    partitions: async () => [
      {
        ...{ partitionId: '1', empty: log.length === 0, firstSequenceNumber: 7 },
        ...{ lastSequenceNumber: 6 + log.length, lastEnqueuedAtMs: log.at(-1)?.enqueuedAtMs ?? 0 },
      },
    ],
    async *read(_partition, fromMs) {
      for (const each of log) {
        if (each.enqueuedAtMs < fromMs || hangs) continue;
        read.push(each.sequenceNumber);
        yield [each];
      }
      // A hub waits for more, forever.
      await new Promise(() => {});
    },
  };
  return { reader, read };
}

const find = ({ reader }: ReturnType<typeof hubOf>, what = sought) => findPosition(reader, what, createManualClock());

describe('the position of an event', () => {
  it('is its sequence number, and its index in the batch', async () => {
    const hub = hubOf([
      { atMs: 10, body: [event('b'), event('c')] },
      { atMs: 20, body: [event('d'), event('a', 'other'), event('a')] },
      { atMs: 30, body: [event('a')] },
    ]);
    const enqueuedAt = new Date(SENT_MS + 20).toISOString();
    expect(await find(hub)).toEqual({ partition: '1', sequenceNumber: 8, index: 2, enqueuedAt });
    expect(hub.read).toEqual([7, 8]);
  });

  it('is found whatever else is in the hub, and nothing is taken for it', async () => {
    const hub = hubOf([
      { atMs: 10, body: '"a" is no JSON' },
      { atMs: 10, body: [null, 'a', { id: ['a'] }, { note: 'a', source: 'shop' }] },
      { atMs: 20, body: event('a') },
    ]);
    expect(await find(hub)).toMatchObject({ sequenceNumber: 9, index: 0 });
  });

  it('is found by a clock that goes otherwise than the hub', async () => {
    expect(await find(hubOf([{ atMs: -20_000, body: [event('a')] }]))).toMatchObject({ sequenceNumber: 7 });
    expect(await find(hubOf([{ atMs: 20_000, body: [event('a')] }]))).toMatchObject({ sequenceNumber: 7 });
  });

  it('is not looked for at other times, nor in a partition that is none', async () => {
    const hub = hubOf([
      { atMs: -60_000, body: [event('a')] },
      { atMs: 90_000, body: [event('b')] },
      { atMs: 91_000, body: [event('a')] },
    ]);
    expect(await find(hub)).toBe('not_found');
    expect(await find(hub, { ...sought, partition: '2' })).toBe('not_found');
    expect(await find(hubOf([]))).toBe('not_found');
    expect(await find(hubOf([{ atMs: 10, body: [event('b')] }]))).toBe('not_found');
  });

  it('is not awaited for ever', async () => {
    const clock = createManualClock();
    const hub = hubOf([{ atMs: 10, body: [event('b')] }], true);
    const asked = findPosition(hub.reader, sought, clock);
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(8_000);
    expect(await asked).toBe('unfinished');
    expect(clock.pending).toBe(0);
  });
});
