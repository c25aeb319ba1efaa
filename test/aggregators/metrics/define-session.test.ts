import fc from 'fast-check';
import { expect, test } from 'vitest';
import { defineSessionMetric, type SessionMetric } from '../../../src/aggregators/metrics/define-session.js';
import { session, tumbling } from '../../../src/aggregators/metrics/window.js';
import { defaultAggregatorOptions } from '../../../src/aggregators/options.js';
import { createPartitionState } from '../../../src/aggregators/state/partition.js';
import { decodeSnapshot, encodeSnapshot } from '../../../src/aggregators/state/snapshot.js';
import { type AggregateName, aggregateNames, aggregateOf, takesText } from '../../../src/shared/aggregates/index.js';
import { START_MS } from '../driver.js';
import { refusalOf } from './refusal.js';

const MINUTE = 60_000;
const PANE = 30 * MINUTE;
const GAP = 30 * MINUTE;
const base = { name: 'test', help: 'A test.', unit: 'things', window: session(240 * MINUTE, PANE) };

interface Hit {
  readonly visitor: string;
  readonly atMs: number;
  readonly value: number;
  readonly path: string;
}

const eventOf = ({ visitor, atMs, value, path }: Hit, index: number) => ({
  id: `e${index}`,
  type: value % 3 === 0 ? 'purchase' : 'page_view',
  time: new Date(START_MS + atMs).toISOString(),
  source: 'shop',
  data: { anonymousId: visitor, page: { path }, properties: { value }, context: {} },
});

type Shown = Map<string, { readonly value: number | string; readonly revision: number }>;

/** States of one partition, one after the other; `shown` is what Redis would have, by `pane name`. */
function createRun(metrics: readonly SessionMetric[]) {
  const parts = { metrics, listMetrics: [], seed: [1, 2] as const };
  const shown: Shown = new Map();
  let state = createPartitionState(defaultAggregatorOptions, parts);
  let sequenceNumber = 0;
  return {
    shown,
    apply(events: readonly unknown[]) {
      state.apply(events, { sequenceNumber: sequenceNumber++, offset: '', enqueuedAtMs: START_MS + 600 * MINUTE });
    },
    show() {
      const changes = state.takeChanges();
      if (changes === undefined) return;
      state.written(changes);
      for (const { startMs, names, values, revision = 0 } of changes.panes.flatMap((each) => each.changes)) {
        for (const [index, name] of names.entries()) {
          const key = `${(startMs - START_MS) / MINUTE} ${name}`;
          const value = values[index] as number | string;
          if (value === 0) shown.delete(key);
          else shown.set(key, { value, revision });
        }
      }
    },
    async restart() {
      state = createPartitionState(
        defaultAggregatorOptions,
        parts,
        await decodeSnapshot(await encodeSnapshot(state.save())),
      );
    },
  };
}

const resultsOf = (aggregate: AggregateName, shown: Shown) => {
  const { decode, result } = aggregateOf(aggregate);
  return Object.fromEntries([...shown].map(([key, { value }]) => [key, result(decode(value))]));
};

/** The hits of each session, by sorting all of them. */
function sessionsOf(hits: readonly Hit[]): Hit[][] {
  const sessions: Hit[][] = [];
  const open = new Map<string, Hit[]>();
  for (const hit of hits.toSorted((a, b) => a.atMs - b.atMs)) {
    const known = open.get(hit.visitor);
    const last = known?.at(-1);
    if (known !== undefined && last !== undefined && hit.atMs - last.atMs <= GAP) {
      known.push(hit);
      continue;
    }
    const begun = [hit];
    open.set(hit.visitor, begun);
    sessions.push(begun);
  }
  return sessions;
}

const hitArbitrary: fc.Arbitrary<Hit> = fc.record({
  visitor: fc.constantFrom('a', 'b', 'c', 'd'),
  // All within the allowed lateness, so that any order is possible.
  atMs: fc.integer({ min: 0, max: 59 * MINUTE }).map((at) => at - (at % 1_000)),
  value: fc.nat(20),
  path: fc.constantFrom('/', '/x', '/y'),
});

/** One event in each pack, and where the state is shown and restarted. */
const runArbitrary = fc.record({
  hits: fc.array(hitArbitrary, { minLength: 1, maxLength: 25 }),
  shownAt: fc.array(fc.nat(24), { maxLength: 5 }),
  restartAt: fc.array(fc.nat(24), { maxLength: 2 }),
});

async function run(
  metric: SessionMetric,
  { hits, shownAt, restartAt }: typeof runArbitrary extends fc.Arbitrary<infer T> ? T : never,
) {
  const running = createRun([metric]);
  for (const [index, hit] of hits.entries()) {
    running.apply([eventOf(hit, index)]);
    if (shownAt.includes(index)) running.show();
    if (restartAt.includes(index)) await running.restart();
  }
  running.show();
  return running.shown;
}

/** The same, computed from the sessions in one go: `over` of what `each` gives, by pane and name. */
function batch(
  aggregate: AggregateName,
  hits: readonly Hit[],
  each: (session: readonly Hit[]) => readonly (readonly [name: string, input: number | string])[],
) {
  const { create, add, result } = aggregateOf(aggregate);
  const states = new Map<string, unknown>();
  for (const ofSession of sessionsOf(hits)) {
    const startMs = (ofSession[0] as Hit).atMs;
    for (const [name, input] of each(ofSession)) {
      const key = `${(Math.floor(startMs / PANE) * PANE) / MINUTE} ${name}`;
      states.set(key, add(states.has(key) ? states.get(key) : create(), input, START_MS + startMs));
    }
  }
  return Object.fromEntries([...states].map(([key, state]) => [key, result(state)]));
}

test.each(aggregateNames)(
  '%s of sessions, in whatever order their events come, is that of all of them at once',
  async (aggregate) => {
    const text = takesText(aggregate);
    const common = {
      ...base,
      each: 'durationMs' as const,
      key: (durationMs: number) => (durationMs > 10 * MINUTE ? ['long', 'any'] : 'any'),
    };
    const value = (durationMs: number) => (text ? `${durationMs} ms` : durationMs);
    const metric = defineSessionMetric(aggregate === 'count' ? common : { ...common, aggregate, value });
    await fc.assert(
      fc.asyncProperty(runArbitrary, async (taken) => {
        const expected = batch(aggregate, taken.hits, (ofSession) => {
          const durationMs = (ofSession.at(-1) as Hit).atMs - (ofSession[0] as Hit).atMs;
          const input = aggregate === 'count' ? 1 : value(durationMs);
          return durationMs > 10 * MINUTE
            ? [
                ['long', input],
                ['any', input],
              ]
            : [['any', input]];
        });
        expect(resultsOf(aggregate, await run(metric, taken))).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  },
);

test.each(aggregateNames)(
  '%s within each session is that of its events, however they came to be in it',
  async (aggregate) => {
    const text = takesText(aggregate);
    const inputOf = ({ value, path }: Pick<Hit, 'value' | 'path'>) => (text ? `${path} ${value % 2}` : value);
    const made = (result: unknown) => JSON.stringify(result);
    const metric = defineSessionMetric({
      ...base,
      each: {
        aggregate,
        ...(aggregate === 'count'
          ? {}
          : {
              value: ({ event }) =>
                inputOf({ value: event.data.properties?.['value'] as number, path: event.data.page?.path as string }),
            }),
      },
      filter: ({ event }) => event.type === 'page_view',
      key: made,
    });
    await fc.assert(
      fc.asyncProperty(runArbitrary, async (taken) => {
        const { create, add, result } = aggregateOf(aggregate);
        const expected = batch('count', taken.hits, (ofSession) => {
          const state = ofSession
            .filter(({ value }) => value % 3 !== 0)
            .reduce<unknown>(
              (before, hit) => add(before, aggregate === 'count' ? 1 : inputOf(hit), START_MS + hit.atMs),
              create(),
            );
          return [[made(result(state)), 1]];
        });
        expect(resultsOf('count', await run(metric, taken))).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  },
);

const hit = (visitor: string, minute: number, value = 1, path = '/'): Hit => ({
  visitor,
  atMs: minute * MINUTE,
  value,
  path,
});

test('sessions can be counted by where they began, and sums be those of their events', async () => {
  const hits = [hit('a', 0, 1, '/in'), hit('a', 5, 4, '/out'), hit('b', 7, 2, '/in')];
  const taken = { hits, shownAt: [], restartAt: [] };
  const entry = defineSessionMetric({
    ...base,
    each: { aggregate: 'first', value: ({ event }) => event.data.page?.path },
    key: (path) => path,
  });
  expect(resultsOf('count', await run(entry, taken))).toEqual({ '0 /in': 2 });
  const worth = defineSessionMetric({
    ...base,
    each: { aggregate: 'sum', value: ({ event }) => event.data.properties?.['value'] as number },
    aggregate: 'mean',
  });
  expect(resultsOf('mean', await run(worth, taken))).toEqual({ '0 all': 3.5 });
});

test('a pane is revised where fewer sessions count for a name than were shown, and not where one counts for more', async () => {
  const longest = defineSessionMetric({ ...base, each: 'durationMs', aggregate: 'max' });
  const running = createRun([longest]);
  const apply = (...hits: Hit[]) => {
    running.apply(hits.map((each, index) => ({ ...eventOf(each, index), id: `${each.visitor}${each.atMs}` })));
    running.show();
    return Object.fromEntries(running.shown);
  };
  expect(apply(hit('a', 0), hit('a', 35), hit('b', 40))).toEqual({
    '0 all': { value: '0', revision: 0 },
    '30 all': { value: '0', revision: 0 },
  });
  expect(apply(hit('b', 50))).toMatchObject({ '30 all': { value: `${10 * MINUTE}`, revision: 0 } });
  // Both sessions of `a` are one now, of the earlier pane; that of `b` is as it was.
  expect(apply(hit('a', 20))).toEqual({
    '0 all': { value: `${35 * MINUTE}`, revision: 0 },
    '30 all': { value: `${10 * MINUTE}`, revision: 1 },
  });
  // And now there is no session any more that began in the later one.
  expect(apply(hit('b', 25))).toEqual({ '0 all': { value: `${35 * MINUTE}`, revision: 0 } });
});

test('what fits an aggregate in no way is left out of it, and the session counts for it when it has something that fits', async () => {
  const metric = defineSessionMetric({
    ...base,
    each: { aggregate: 'min', value: ({ event }) => (event.data.page?.path === '/' ? undefined : 5) },
    aggregate: 'mean',
  });
  expect(await run(metric, { hits: [hit('a', 0)], shownAt: [], restartAt: [] })).toEqual(new Map());
  const two = { hits: [hit('a', 0), hit('a', 1, 1, '/x')], shownAt: [0], restartAt: [0] };
  expect(resultsOf('mean', await run(metric, two))).toEqual({ '0 all': 5 });
});

test('a wrong definition of a metric of sessions stops the start, and names what it cannot have', () => {
  const refusal = (change: object) =>
    refusalOf(() => defineSessionMetric({ ...base, ...change } as Parameters<typeof defineSessionMetric>[0]));
  const sum = { aggregate: 'sum', value: () => 1 };
  for (const sound of [
    {},
    { each: 'durationMs', aggregate: 'mean' },
    { each: sum, aggregate: 'max', filter: () => true },
  ])
    expect(refusal(sound)).toBe('none');
  for (const [change, told] of [
    [{ window: tumbling(MINUTE) }, 'window.kind: expected session(last, pane)'],
    [{ window: { ...base.window, gapMs: MINUTE } }, 'window.gapMs: a session ends after 30 minutes'],
    [{ window: session(45 * MINUTE, 30 * MINUTE) }, 'window.lastMs: expected a multiple of paneMs'],
    [{ each: 'duration' }, "each: expected 'durationMs', { aggregate, value }"],
    [{ each: { marks: 1 } }, 'each'],
    [{ each: { aggregate: 'average', value: () => 1 } }, 'each'],
    [{ each: { aggregate: 'sum' } }, 'each: expected'],
    [{ each: { aggregate: 'count', value: () => 1 } }, 'each'],
    [{ aggregate: 'mean' }, 'each: this aggregate has nothing to look at without it'],
    [
      { each: { aggregate: 'top', value: () => 'a' }, aggregate: 'mean' },
      'value: what is made of each session is no number',
    ],
    [{ each: sum, value: () => 1 }, 'value: a count looks at none'],
    [{ filter: () => true }, 'filter: nothing looks at events'],
    [{ each: 'durationMs', filter: () => true }, 'filter: nothing looks at events'],
    [{ names: () => ['a'] }, 'names'],
    [{ latenessMs: 5 }, 'latenessMs'],
  ] as const) {
    expect(refusal(change), JSON.stringify(change)).toContain(told);
    expect(refusal(change)).toMatch(/^metric "/);
  }
});
