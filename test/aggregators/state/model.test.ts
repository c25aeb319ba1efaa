import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { PartitionState } from '../../../src/aggregators/state/partition.js';
import type { SavedState } from '../../../src/aggregators/state/saved.js';
import { type BatchEvent, batchFigures, batchOptions, eventArbitrary, MINUTE } from '../batch.js';
import { createPartitionDriver } from '../driver.js';

type Step =
  | { kind: 'send'; partition: number; pack: BatchEvent[] }
  | { kind: 'read'; partition: number; count: number }
  | { kind: 'show' | 'failToShow' | 'save' | 'crash'; partition: number };

const PARTITIONS = 2;
const partition = fc.integer({ min: 0, max: PARTITIONS - 1 });
const stepArbitrary: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('send' as const),
      partition,
      pack: fc.array(eventArbitrary, { maxLength: 6 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('read' as const), partition, count: fc.integer({ min: 1, max: 4 }) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom('show' as const, 'failToShow' as const, 'save' as const, 'crash' as const),
      partition,
    }),
  },
);

test('after any crashes, failures and repetitions the figures equal a batch computation, and none ever went down', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(stepArbitrary, { maxLength: 60 }), async (steps) => {
      const drivers = Array.from({ length: PARTITIONS }, (_, index) =>
        createPartitionDriver(String(index), batchOptions),
      );
      const sent: BatchEvent[][] = drivers.map(() => []);
      const highest = new Map<string, number>();
      const neverDown = (index: number) => {
        for (const [key, value] of drivers[index]?.shown.values ?? []) {
          if (!/\/(pageViews|visitors)$|^pages|^totals/.test(key) || typeof value === 'string') continue;
          expect(value, key).toBeGreaterThanOrEqual(highest.get(key) ?? 0);
          highest.set(key, value);
        }
      };
      for (const step of steps) {
        const driver = drivers[step.partition];
        if (driver === undefined) continue;
        switch (step.kind) {
          case 'send':
            driver.send(step.pack, 90 * MINUTE);
            sent[step.partition]?.push(...step.pack);
            break;
          case 'read':
            driver.read(step.count);
            break;
          default:
            await driver[step.kind]();
        }
        neverDown(step.partition);
      }
      for (const [index, driver] of drivers.entries()) {
        driver.read();
        driver.show();
        neverDown(index);
        const shown = new Map(
          [...driver.shown.values].map(([key, value]) => {
            const [metric, pane, , ...name] = key.split('/');
            return [`${metric}/${pane}/${name.join('/')}`, value];
          }),
        );
        shown.delete('totals/0/revised_sessions');
        expect(shown).toEqual(batchFigures(sent[index] ?? []));
      }
    }),
    { numRuns: 1_000 },
  );
});

test('a state that was saved and restored goes on exactly like one that was not', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(eventArbitrary, { maxLength: 8 }), { maxLength: 20 }),
      fc.nat(20),
      async (packs, at) => {
        const whole = createPartitionDriver('0', batchOptions);
        const restored = createPartitionDriver('0', batchOptions);
        for (const [index, pack] of packs.entries()) {
          whole.send(pack);
          restored.send(pack);
          restored.read();
          if (index === at) {
            await restored.save();
            await restored.crash();
          }
        }
        whole.read();
        whole.show();
        restored.show();
        if (whole.state.position === undefined) return;
        expect(contentOf(restored.state)).toEqual(contentOf(whole.state));
      },
    ),
    { numRuns: 100 },
  );
});

/** Everything of a state but the ids that it remembers, which may be one of two generations. */
function contentOf(state: PartitionState): unknown {
  const { ids: _, visitors, sessions, ...rest } = state.save();
  return sorted({ ...rest, visitors: visitorsOf(visitors), sessions: sessionsOf(sessions) });
}

function visitorsOf({ keys, records }: SavedState['visitors']): string[] {
  const width = (2 * records.length) / keys.length;
  return rowsOf(keys, 2).map((key, row) => `${key}: ${rowsOf(records, width)[row]}`);
}

function sessionsOf({ folds, keys, newest, startMs, lastMs, previous, states }: SavedState['sessions']): string[] {
  const all = rowsOf(states, folds.length).map((state, at) => `${startMs[at]} ${lastMs[at]} ${state}`);
  return rowsOf(keys, 2).map((key, row) => {
    const sessions: (string | undefined)[] = [];
    for (let at = newest[row] as number; at >= 0; at = previous[at] as number) sessions.push(all[at]);
    return `${key}: ${sessions}`;
  });
}

function rowsOf(column: Uint32Array | Int32Array | Float64Array, width: number): string[] {
  return Array.from({ length: column.length / width }, (_, row) => column.slice(row * width, (row + 1) * width).join());
}

/** Order inside the lists means nothing. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => JSON.stringify(sorted(item))).sort();
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, sorted(item)]));
}
