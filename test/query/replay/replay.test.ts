import { expect, test } from 'vitest';
import type { HubReader, PartitionEvent, PartitionFacts } from '../../../src/messaging/index.js';
import { hubHistory, replay } from '../../../src/query/index.js';

/** A hub in memory: bodies by partition; each hub event is enqueued one second after the one before. */
function hubOf(partitions: Readonly<Record<string, readonly string[]>>, batchSize = 2) {
  let asked = 0;
  const reader: HubReader = {
    async partitions() {
      return Object.entries(partitions).map(
        ([partitionId, bodies]): PartitionFacts => ({
          partitionId,
          empty: bodies.length === 0,
          firstSequenceNumber: 0,
          lastSequenceNumber: bodies.length - 1,
          lastEnqueuedAtMs: (bodies.length - 1) * 1_000,
        }),
      );
    },
    async *read(partitionId, fromMs) {
      const first = Math.max(0, Math.ceil(fromMs / 1_000));
      for (let at = first; ; at += batchSize) {
        asked++;
        const batch: PartitionEvent[] = [];
        for (let sequenceNumber = at; sequenceNumber < at + batchSize; sequenceNumber++) {
          // Beyond the end there is what arrived after the replay began.
          const body = Buffer.from(partitions[partitionId]?.[sequenceNumber] ?? '[{"id":"new"}]');
          batch.push({ partitionId, sequenceNumber, offset: '', enqueuedAtMs: sequenceNumber * 1_000, body });
        }
        yield batch;
      }
    },
    async close() {},
  };
  return { reader, asked: () => asked };
}

async function linesOf(reader: HubReader, bounds = { fromMs: 0, toMs: Number.POSITIVE_INFINITY }) {
  let text = '';
  const summary = await replay(hubHistory(reader), bounds, async (lines) => {
    text += lines;
  });
  return {
    summary,
    ids: text
      .split('\n')
      .slice(0, -1)
      .map((line) => (JSON.parse(line) as { id: string }).id),
  };
}

test('every event that was there at the start is written once, by partition and in order', async () => {
  const { reader } = hubOf({ '0': ['[{"id":"a"},{"id":"b"}]', '{"id":"c"}', '[]'], '1': [], '2': ['[{"id":"d"}]'] });
  const { summary, ids } = await linesOf(reader);
  expect(ids).toEqual(['a', 'b', 'c', 'd']);
  expect(summary).toEqual({ partitions: 3, hubEvents: 4, events: 4, unreadable: 0 });
});

test('the bounds are times of arrival: from inclusive, to exclusive', async () => {
  const { reader } = hubOf({ '0': ['[{"id":"0"}]', '[{"id":"1"}]', '[{"id":"2"}]', '[{"id":"3"}]'] });
  expect((await linesOf(reader, { fromMs: 1_000, toMs: 3_000 })).ids).toEqual(['1', '2']);
});

test('a partition whose newest event is before the start is not waited for', async () => {
  const { reader, asked } = hubOf({ '0': ['[{"id":"0"}]'] });
  expect((await linesOf(reader, { fromMs: 5_000, toMs: Number.POSITIVE_INFINITY })).ids).toEqual([]);
  expect(asked()).toBe(0);
});

test.each([
  ['no JSON', 'not json'],
  ['neither a pack nor an object', '5'],
  ['nested too deeply to be written', `${'['.repeat(20_000)}${']'.repeat(20_000)}`],
])('a hub event that is %s is left out and counted', async (_what, body) => {
  const { reader } = hubOf({ '0': [body, '[{"id":"a"}]'] });
  const { summary, ids } = await linesOf(reader);
  expect(ids).toEqual(['a']);
  expect(summary.unreadable).toBe(1);
});

test('nothing is read ahead of what is written', async () => {
  const { reader, asked } = hubOf({ '0': Array(100).fill('[{"id":"a"}]') });
  let release: () => void = () => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const done = replay(hubHistory(reader), { fromMs: 0, toMs: Number.POSITIVE_INFINITY }, () => gate);
  await new Promise((resolve) => setImmediate(resolve));
  expect(asked()).toBe(1);
  release();
  expect((await done).events).toBe(100);
});
