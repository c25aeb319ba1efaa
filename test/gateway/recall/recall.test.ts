import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NormalisedEvent } from '../../../src/events/index.js';
import type { Prepared } from '../../../src/gateway/pipeline/prepare.js';
import { type Failure, NOTHING_SENT } from '../../../src/gateway/publish/ticket.js';
import { openRecall, type RecallOptions, type Visit } from '../../../src/gateway/recall/index.js';
import { createLogger } from '../../../src/shared/logger.js';
import { createManualClock } from '../../helpers/manual-clock.js';
import { createMemoryJournal } from './memory-journal.js';

const AGE_MS = 13 * 3_600_000;
const options: RecallOptions = { ids: 1000, ageMs: AGE_MS, events: 100 };
const names = { sources: ['shop', 'blog'], destinations: ['topic:events', 'hub:clicks'] };

/** So much of a sound event as is looked at. */
const eventOf = (id: string, order?: string) =>
  ({ id, idGiven: true, commerce: order === undefined ? undefined : { businessKey: order } }) as NormalisedEvent;

const open = (world: {
  clock?: ReturnType<typeof createManualClock>;
  journal?: ReturnType<typeof createMemoryJournal>;
}) =>
  openRecall(
    {
      clock: world.clock ?? createManualClock(),
      logger: createLogger('test', 'silent'),
      newKey: () => [3, 4],
      openJournal: world.journal?.openJournal,
    },
    names,
    options,
  );

/** A request on its way, as the pipeline leads it: each event of it is looked up, and what is known is not sent. */
interface Flight {
  readonly visit: Visit;
  readonly ids: readonly string[];
  readonly entries: Prepared[];
}

function launch(recall: Awaited<ReturnType<typeof openRecall>>, nowMs: number, ids: readonly string[]): Flight {
  const visit = recall.visit('shop', nowMs);
  const entries = ids.map((id, index): Prepared => {
    const idJson = JSON.stringify(id);
    const isKnown = visit.isKnown(eventOf(id), { idJson, sink: { name: 'hub:clicks' }, index });
    return isKnown ? { kind: 'known', idJson } : idJson;
  });
  return { visit, ids, entries };
}

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('launch' as const),
      ids: fc.array(fc.integer({ min: 0, max: 7 }), { minLength: 1, maxLength: 4 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('land' as const),
      which: fc.nat(),
      fails: fc.array(fc.boolean(), { maxLength: 4 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: AGE_MS / 2 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('crash' as const), lost: fc.integer({ min: 0, max: 4 }) }) },
);

describe('whatever fails, is on its way at once, or is killed', () => {
  it('only what is durable is a duplicate, and what is known to be durable always is', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const clock = createManualClock();
        const journal = createMemoryJournal();
        let recall = await open({ clock, journal });
        let flights: Flight[] = [];
        /** When an event became durable for the first time and, if the gateway that runs knows it, for the last. */
        const durable = new Set<string>();
        const known = new Map<string, number>();
        const isKnown = (id: string) => clock.now() - (known.get(id) ?? Number.NEGATIVE_INFINITY) < AGE_MS;
        for (const each of steps) {
          switch (each.kind) {
            case 'launch': {
              const ids = [...new Set(each.ids)].map((id) => `e${id}`);
              const flight = launch(recall, clock.now(), ids);
              for (const [at, id] of ids.entries()) {
                const isDuplicate = typeof flight.entries[at] !== 'string';
                expect(isDuplicate).toBe(isKnown(id));
                if (isDuplicate) expect(durable).toContain(id);
              }
              flights.push(flight);
              break;
            }
            case 'land': {
              const [flight] = flights.splice(each.which % Math.max(1, flights.length), 1);
              if (flight === undefined) break;
              const failures = new Map<number, Failure>();
              for (const [at, fails] of each.fails.entries()) if (fails) failures.set(at, 'timeout');
              const sent = flight.ids
                .map((id, at) => ({ id, at }))
                .filter(({ at }) => typeof flight.entries[at] === 'string' && !failures.has(at));
              const settled = flight.visit.settle(flight.entries, { ...NOTHING_SENT, failures });
              // Durable twice is a duplicate of the first time, and the first time only.
              expect([...settled.known]).toEqual(sent.filter(({ id }) => isKnown(id)).map(({ at }) => at));
              for (const { id } of sent) {
                durable.add(id);
                if (!isKnown(id)) known.set(id, clock.now());
              }
              break;
            }
            case 'wait':
              clock.advance(each.ms);
              break;
            case 'crash':
              flights = [];
              await recall.close();
              journal.lose(each.lost);
              recall = await open({ clock, journal });
              // What was lost may be sent again; what is known is still true.
              for (const id of [...known.keys()]) {
                const says = recall.find(id).some(({ outcome }) => outcome === 'accepted');
                if (each.lost === 0) expect(says).toBe(isKnown(id));
                else if (!says) known.delete(id);
              }
              break;
          }
        }
        await recall.close();
      }),
    );
  });
});

describe('a look-up', () => {
  it('tells of an accepted event when, where and how safe, of whichever source', async () => {
    const clock = createManualClock();
    const recall = await open({ clock });
    const startMs = clock.now();
    const visit = recall.visit('blog', startMs);
    visit.isKnown(eventOf('a'), { idJson: '"a"', sink: { name: 'hub:clicks' }, index: 0 });
    visit.isKnown(eventOf('p', 'purchase:T1'), { idJson: '"p"', sink: { name: 'topic:events' }, index: 1 });
    clock.advance(70);
    visit.settle(['"a"', '"p"'], { ...NOTHING_SENT, partitions: [3], spooled: new Set([1]) });
    const times = { source: 'blog', outcome: 'accepted', atMs: startMs + 70, receivedAtMs: startMs };
    expect(recall.find('a')).toEqual([
      { ...times, id: 'a', reason: 'broker', destination: 'hub:clicks', partition: 3 },
    ]);
    const order = {
      ...times,
      id: 'p',
      reason: 'spool',
      destination: 'topic:events',
      order: 'purchase:T1',
      hasOrder: true,
    };
    expect(recall.find('p')).toEqual([order]);
    expect(recall.find('purchase:T1')).toEqual([order]);
    expect(recall.find('b')).toEqual([]);
    expect(recall.report()).toEqual({ ids: 3, idsSinceMs: startMs + 70, events: 0, eventsSinceMs: undefined });
  });

  it('tells of a duplicate what it is one of, by its id or by its order', async () => {
    const clock = createManualClock();
    const recall = await open({ clock });
    const tell = (event: NormalisedEvent) => {
      const idJson = JSON.stringify(event.id);
      const visit = recall.visit('shop', clock.now());
      const isKnown = visit.isKnown(event, { idJson, sink: { name: 'topic:events' }, index: 0 });
      visit.settle([isKnown ? { kind: 'known', idJson } : idJson], NOTHING_SENT);
    };
    const firstMs = clock.now();
    tell(eventOf('p', 'purchase:T1'));
    clock.advance(1000);
    tell(eventOf('p', 'purchase:T1'));
    tell(eventOf('q', 'purchase:T1'));
    const of = { id: 'p', atMs: firstMs };
    expect(recall.find('p')).toMatchObject([{ outcome: 'duplicate', reason: 'known', of }, { outcome: 'accepted' }]);
    expect(recall.find('q')).toMatchObject([{ outcome: 'duplicate', order: 'purchase:T1', of }]);
  });

  it('tells why an event was not taken, and finds an id that the gateway made', async () => {
    const clock = createManualClock();
    const recall = await open({ clock });
    const made = '019a0000-0000-7abc-89ab-0123456789ab';
    const visit = recall.visit('shop', clock.now());
    const place = { idJson: JSON.stringify(made), sink: { name: 'hub:clicks' }, index: 1 };
    visit.isKnown({ ...eventOf(made), idGiven: false }, place);
    visit.settle([{ kind: 'dropped', idJson: '"bot"', reason: 'bot' }, place.idJson, '"failed"'], {
      ...NOTHING_SENT,
      failures: new Map([[2, 'overloaded']]),
      partitions: [undefined, 2],
    });
    expect(recall.find('bot')).toMatchObject([{ outcome: 'dropped', reason: 'bot' }]);
    expect(recall.find('failed')).toMatchObject([{ outcome: 'rejected', reason: 'overloaded' }]);
    expect(recall.find(made)).toMatchObject([{ outcome: 'accepted', destination: 'hub:clicks', partition: 2 }]);
    expect(recall.find('019a0000-0000-7abc-89ab-0123456789ac')).toEqual([]);
  });
});
