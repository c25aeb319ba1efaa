import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeLateEntry, lateEntryId } from '../../../src/shared/late-events.js';
import { lateStreamKey } from '../../../src/shared/live-keys.js';
import { createSinkModel } from './model.js';
import { lateEvent, NOW, owner, PANE, startSinkRig, withLate } from './rig.js';

const { redis, sink, streamOf } = await startSinkRig();

test('a late event is an entry of the stream of its partition, under its position, with what it takes to find it', async () => {
  await sink.write(owner('3'), withLate(7, [lateEvent(0), lateEvent(7, 12)]));
  const entries = (await streamOf('3')).map(([id, flat]) => [id, decodeLateEntry('3', [id, flat])]);
  const shown = {
    partition: '3',
    type: 'page_view',
    time: new Date(PANE).toISOString(),
    enqueuedAt: new Date(NOW).toISOString(),
    behindMs: 5_000,
    metrics: { pages: new Date(PANE).toISOString() },
  };
  expect(entries).toEqual([
    ['0-1', { ...shown, sequenceNumber: 0, index: 0, id: 'e0.0' }],
    ['7-13', { ...shown, sequenceNumber: 7, index: 12, id: 'e7.12' }],
  ]);
});

test('the stream of a partition keeps about the newest 10,000', async () => {
  const events = Array.from({ length: 12_000 }, (_, index) => lateEvent(9, index));
  for (let at = 0; at < events.length; at += 4_000) {
    await sink.write(owner('0'), withLate(9, events.slice(at, at + 4_000), events[at - 1]));
  }
  const length = await redis.xlen(lateStreamKey('0'));
  expect(length).toBeGreaterThanOrEqual(10_000);
  expect(length).toBeLessThan(11_000);
  expect((await streamOf('0')).at(-1)?.[0]).toBe('9-12000');
});

test('a partition that is forgotten has no late events, and its numbers may begin anew', async () => {
  await sink.write(owner('0'), withLate(9, [lateEvent(9)]));
  await sink.write(owner('1'), withLate(9, [lateEvent(9)]));
  await sink.forget(owner('0'));
  await sink.write(owner('0'), withLate(2, [lateEvent(2)]));
  expect((await streamOf('0')).map(([id]) => id)).toEqual(['2-1']);
  expect((await streamOf('1')).map(([id]) => id)).toEqual(['9-1']);
});

test('late events that follow one that Redis lost are not added before all that are kept are offered again', async () => {
  let recovered = 0;
  const stop = sink.onRecovered(() => recovered++);
  await sink.claim(owner('0'));
  await sink.write(owner('0'), withLate(9, [lateEvent(8)]));
  await redis.flushall();
  await sink.write(owner('0'), withLate(9, [lateEvent(9)], lateEvent(8)));
  expect(recovered).toBe(1);
  await sink.write(owner('0'), withLate(9, [lateEvent(8), lateEvent(9)]));
  stop();
  expect(recovered).toBe(1);
  expect((await streamOf('0')).map(([id]) => id)).toEqual(['8-1', '9-1']);
});

test('any late events of any owners, offered in any order, end as a model of the stream says', async () => {
  const offer = fc.record({
    partition: fc.constantFrom('0', '1'),
    epoch: fc.integer({ min: 1, max: 3 }),
    after: fc.option(fc.integer({ min: 0, max: 12 }), { nil: undefined }),
    from: fc.nat(20),
    count: fc.nat(6),
    lost: fc.constantFrom(false, false, false, false, true),
  });
  const all = Array.from({ length: 26 }, (_, at) => lateEvent(Math.floor(at / 3), at % 3));
  await fc.assert(
    fc.asyncProperty(fc.array(offer, { maxLength: 12 }), async (offers) => {
      await redis.flushall();
      const model = createSinkModel();
      for (const { partition, epoch, after, from, count, lost } of offers) {
        if (lost) {
          await redis.flushall();
          model.clear();
        }
        const change = { after: after === undefined ? undefined : all[after], events: all.slice(from, from + count) };
        if (count === 0) continue;
        const [by] = model.addLate(owner(partition, epoch), change);
        const written = sink.write(owner(partition, epoch), withLate(30, change.events, change.after));
        if (by > epoch) await expect(written).rejects.toMatchObject({ code: 'PS_PARTITION_FENCED' });
        else await written;
      }
      for (const partition of ['0', '1']) {
        const ids = (await streamOf(partition)).map(([id]) => id);
        expect(ids).toEqual((model.late.get(partition) ?? []).map(lateEntryId));
      }
    }),
    { numRuns: 60 },
  );
});
