import fc from 'fast-check';
import { expect, test } from 'vitest';
import { descriptions } from '../../src/aggregators/metrics/index.js';
import type { PenstockEvent } from '../../src/events/index.js';
import { shownPanes } from '../../src/shared/live-catalogue.js';
import {
  type BatchEvent,
  batchBehaviours,
  batchFigures,
  batchLate,
  batchOffers,
  batchOptions,
  batchRevisions,
  enqueuedAt,
  eventArbitrary,
  PAIR_WINDOW,
} from './batch.js';
import { createWorld, settle, type World, type WorldProcess } from './world.js';

const PARTITIONS = 2;
const PROCESSES = 3;
const partition = fc.nat(PARTITIONS - 1);
const process = fc.nat(PROCESSES - 1);

type How = 'run' | 'lose' | 'fail';

type Deed =
  | { kind: 'send'; partition: number; pack: BatchEvent[] }
  /** Reads, and comes as far as `steps` steps. */
  | { kind: 'read'; process: number; partition: number; count: number; steps: number; how: How }
  | { kind: 'wait'; process: number; ms: number; steps: number; how: How }
  /** The event processor gives a partition to a process, and tells whoever had it nothing. */
  | { kind: 'open' | 'close'; process: number; partition: number; steps: number; how: How }
  | { kind: 'crash'; process: number }
  | { kind: 'backUp' | 'restore' | 'empty' | 'replace' };

const weighted = <T>(weight: number, arbitrary: fc.Arbitrary<T>) => ({ weight, arbitrary });
/** More steps than wait at any time: half of the deeds are done whole, and half end somewhere inside. */
const WHOLE = 40;
const steps = fc.oneof(fc.constant(WHOLE), fc.integer({ min: 0, max: 14 }));
/** What becomes of the last of the steps. */
const how = fc.oneof(weighted(8, fc.constant<How>('run')), weighted(1, fc.constantFrom<How>('lose', 'fail')));
const kind = <Kind extends Deed['kind']>(...kinds: Kind[]) => fc.constantFrom(...kinds);
const deeds: fc.WeightedArbitrary<Deed>[] = [
  weighted(
    6,
    fc.record({ kind: kind('send'), partition, pack: fc.array(eventArbitrary, { minLength: 1, maxLength: 5 }) }),
  ),
  weighted(8, fc.record({ kind: kind('read'), process, partition, count: fc.integer({ min: 1, max: 3 }), steps, how })),
  weighted(5, fc.record({ kind: kind('wait'), process, ms: fc.constantFrom(50, 150, 1_000, 4_000), steps, how })),
  weighted(4, fc.record({ kind: kind('open'), process, partition, steps, how })),
  weighted(1, fc.record({ kind: kind('close'), process, partition, steps, how })),
  weighted(1, fc.record({ kind: kind('crash'), process })),
  weighted(1, fc.record({ kind: kind('backUp', 'restore', 'empty') })),
];
const replace: fc.WeightedArbitrary<Deed> = weighted(2, fc.record({ kind: kind('replace') }));

interface Case {
  readonly deeds: readonly Deed[];
  /** Who owns all partitions in the end: one that went through all of it, or a new one. */
  readonly last: number;
}

const caseOf = (...possible: fc.WeightedArbitrary<Deed>[]): fc.Arbitrary<Case> =>
  fc.record({
    deeds: fc.array(fc.oneof(...possible), { minLength: 1, maxLength: 40, size: 'max' }),
    last: fc.nat(PROCESSES),
  });

/** A visitor's events are all in one partition. */
const inPartition = (event: BatchEvent, at: number): BatchEvent => ({
  ...event,
  data: { ...event.data, anonymousId: `${event.data.anonymousId}${at}` },
});

/** Runs the deeds, and everything that is still to be done after them. */
async function play({ deeds, last }: Case, look: (world: World, redisLost: boolean) => void): Promise<Outcome> {
  const world = createWorld(batchOptions, PARTITIONS, batchBehaviours);
  const sent: BatchEvent[][][] = Array.from({ length: PARTITIONS }, () => []);
  const processes = Array.from({ length: PROCESSES }, () => world.startProcess());
  /** Who has the lease. */
  const owners = new Map<number, WorldProcess>();
  let bringBack = world.redis.copy();

  const take = async (actor: WorldProcess, count: number, lastHow: How = 'run') => {
    await settle();
    for (let step = 1; step <= count && actor.steps.length > 0; step++) {
      actor.steps.shift()?.[step === count || actor.steps.length === 0 ? lastHow : 'run']();
      look(world, false);
      await settle();
    }
  };
  const open = (actor: WorldProcess, at: number) => {
    owners.set(at, actor);
    actor.open(at);
  };
  const close = (actor: WorldProcess, at: number) => {
    if (owners.get(at) === actor) owners.delete(at);
    actor.close(at);
  };
  const loseInRedis = (change: () => void) => {
    change();
    for (const each of processes) each.recover();
    look(world, true);
  };
  const crash = (index: number) => {
    const [crashed] = processes.splice(index, 1, world.startProcess());
    for (const [at, owner] of owners) if (owner === crashed) owners.delete(at);
  };
  const act = async (next: Deed) => {
    const actor = processes['process' in next ? next.process : 0] as WorldProcess;
    switch (next.kind) {
      case 'send': {
        const pack = next.pack.map((event) => inPartition(event, next.partition));
        world.send(next.partition, pack, enqueuedAt(pack));
        sent[next.partition]?.push(pack);
        return;
      }
      case 'read':
        actor.deliver(next.partition, next.count);
        await settle();
        actor.clock.advance(150);
        return take(actor, next.steps, next.how);
      case 'wait':
        actor.clock.advance(next.ms);
        return take(actor, next.steps, next.how);
      case 'open':
        open(actor, next.partition);
        return take(actor, next.steps, next.how);
      case 'close':
        close(actor, next.partition);
        return take(actor, next.steps, next.how);
      case 'crash':
        return crash(next.process);
      case 'backUp':
        bringBack = world.redis.copy();
        return;
      case 'restore':
        return loseInRedis(bringBack);
      case 'empty':
        return loseInRedis(world.redis.clear);
      case 'replace':
        world.replaceHub();
        for (const packs of sent) packs.length = 0;
        return owners.clear();
    }
  };
  for (let at = 0; at < PARTITIONS; at++) open(processes[at] as WorldProcess, at);
  for (const actor of processes) await take(actor, WHOLE);
  for (const next of deeds) await act(next);

  const finisher = processes[last] ?? world.startProcess();
  if (!processes.includes(finisher)) processes.push(finisher);
  const goOn = async (actor: WorldProcess, ms: number) => {
    for (let at = 0; at < PARTITIONS; at++) actor.deliver(at, 3);
    await settle();
    actor.clock.advance(ms);
    await take(actor, 10 * WHOLE);
  };
  const isSaved = () =>
    sent.every((_, at) => world.length(at) === 0 || checkpointOf(world, at) === world.length(at) - 1);
  for (let round = 0, quiet = 0; round < 60 && quiet < 3; round++) {
    for (let at = 0; at < PARTITIONS; at++) {
      if (owners.get(at) !== finisher) finisher.close(at);
      open(finisher, at);
    }
    // Long enough for offers that could not be sent to be sent again.
    await goOn(finisher, quiet === 0 ? 500 : OFFER_RETRY_MS);
    quiet = isSaved() ? quiet + 1 : 0;
  }
  // Those that it followed go on, and must not matter.
  for (let round = 0; round < 2; round++) for (const actor of processes) await goOn(actor, 500);
  return { world, sent };
}

const OFFER_RETRY_MS = 30_000;

const checkpointOf = ({ checkpoints }: World, partition: number): number =>
  checkpoints.get(String(partition))?.sequenceNumber ?? -1;

interface Outcome {
  readonly world: World;
  /** The packs of each partition. */
  readonly sent: readonly (readonly (readonly BatchEvent[])[])[];
}

/** Figures by partition, without what only tells how they came about. */
function shownOf({ redis }: World, partition: number): Map<string, number | string> {
  const shown = new Map<string, number | string>();
  for (const [key, value] of redis.values) {
    const [metric, startMs, ofPartition, ...name] = key.split('/');
    if (Number(ofPartition) === partition) shown.set(`${metric}/${startMs}/${name.join('/')}`, value);
  }
  shown.delete('totals/0/revised_sessions');
  for (const [key, revision] of redis.revisions) {
    const [metric, startMs, ofPartition] = key.split('/');
    if (Number(ofPartition) === partition) shown.set(`${metric}/${startMs}/#revision`, revision);
  }
  return shown;
}

/** Leaves out panes that are older than what the live figures show of their metric. */
function onlyLive(figures: Map<string, unknown>, events: readonly BatchEvent[]): void {
  const newestMs = Math.max(...events.map(({ time }) => Date.parse(time)));
  for (const key of figures.keys()) {
    const [name, startMs] = key.split('/') as [string, string];
    const description = descriptions.find((each) => each.name === name);
    if (description === undefined) continue;
    if (Number(startMs) <= newestMs - shownPanes(description) * description.paneMs) figures.delete(key);
  }
}

/** No law holds of nothing: what the cases had of late events and offers. */
let lateOnes = 0;
let offers = 0;
let taken = 0;

/** A visitor has at most one offer in any window. */
function expectOffersApart(topic: ReadonlyMap<string, string>): void {
  const newest = new Map<string, number>();
  const made = [...topic.values()].map((body) => JSON.parse(body) as PenstockEvent);
  for (const { time, data } of made.sort((a, b) => Date.parse(a.time) - Date.parse(b.time))) {
    const visitor = data.anonymousId ?? '';
    expect(Date.parse(time)).toBeGreaterThanOrEqual((newest.get(visitor) ?? 0) + PAIR_WINDOW);
    newest.set(visitor, Date.parse(time));
  }
}

/** A value that goes down only together with a higher revision of its pane. */
const REVISABLE = /^sessions/;
const NEVER_DOWN = /^(pages|views)|^totals|^visitors.*\/(pageViews|visitors)$/;

test('after crashes at any step, moves with the former owner alive, and losses of Redis, figures, late stream and offers equal a batch computation', async () => {
  await fc.assert(
    fc.asyncProperty(caseOf(...deeds), async (whole) => {
      /** The newest value, and the revision of its pane. */
      const highest = new Map<string, { readonly value: number; readonly revision: number }>();
      const wentDown: string[] = [];
      let redisWasLost = false;
      const { world, sent } = await play(whole, ({ redis }, redisLost) => {
        if (redisLost) highest.clear();
        redisWasLost ||= redisLost;
        for (const key of redis.changed) {
          const value = redis.values.get(key) ?? 0;
          if (typeof value === 'string' || !(NEVER_DOWN.test(key) || REVISABLE.test(key))) continue;
          const before = highest.get(key) ?? { value: 0, revision: 0 };
          const revision = redis.revisions.get(key.slice(0, key.lastIndexOf('/'))) ?? 0;
          const mayGoDown = REVISABLE.test(key) && revision > before.revision;
          if (revision < before.revision || (value < before.value && !mayGoDown))
            wentDown.push(`${key} from ${before.value} to ${value}`);
          if (value < before.value) taken++;
          highest.set(key, { value, revision });
        }
        redis.changed.clear();
      });
      expect(wentDown).toEqual([]);
      expect(world.takenBack).toEqual([]);
      expect(world.notShown).toEqual([]);
      expect(world.contradicted).toEqual([]);
      expect(world.redis.forgets).toBe(0);
      expect(world.topic).toEqual(new Map(sent.flatMap((packs) => [...batchOffers(packs)])));
      expectOffersApart(world.topic);
      offers += world.topic.size;
      for (const [index, packs] of sent.entries()) {
        const events = packs.flat();
        const late = world.redis.late.get(String(index)) ?? [];
        expect(late).toEqual(batchLate(packs));
        lateOnes += late.length;
        const shown = shownOf(world, index);
        const expected = new Map([...batchFigures(events), ...batchRevisions(packs)]);
        // What Redis lost is written again as far back as the live figures go.
        if (redisWasLost) for (const figures of [shown, expected]) onlyLive(figures, events);
        expect(shown).toEqual(expected);
        expect(checkpointOf(world, index)).toBe(world.length(index) - 1);
      }
    }),
    { numRuns: 2_000, endOnFailure: true },
  );
  expect(lateOnes).toBeGreaterThan(500);
  expect(offers).toBeGreaterThan(50);
  expect(taken).toBeGreaterThan(0);
});

const view = (device: string): BatchEvent => ({
  id: 'id0',
  type: 'page_view',
  time: '2026-01-01T00:00:00.000Z',
  source: 'shop',
  data: { anonymousId: 'a', page: { path: '/' }, context: { device }, properties: { item_id: '/' } },
});
/** Redis is brought back from before the hub was made anew, while its successor is being read and has nothing to show yet. */
const broughtBack: Case = {
  deeds: [
    { kind: 'send', partition: 0, pack: [view('desktop')] },
    { kind: 'read', process: 0, partition: 0, count: 1, steps: 0, how: 'run' },
    { kind: 'replace' },
    { kind: 'read', process: 0, partition: 0, count: 1, steps: WHOLE, how: 'run' },
    { kind: 'backUp' },
    { kind: 'open', process: 0, partition: 0, steps: WHOLE, how: 'run' },
    { kind: 'restore' },
    { kind: 'send', partition: 0, pack: [view('mobile')] },
  ],
  last: 0,
};

/** Redis is emptied of the claim of who opens the new hub, and who read the former one goes on writing. */
const leftBehind: Case = {
  deeds: [
    { kind: 'send', partition: 0, pack: [view('desktop')] },
    { kind: 'read', process: 0, partition: 0, count: 1, steps: WHOLE, how: 'run' },
    { kind: 'replace' },
    { kind: 'restore' },
    { kind: 'open', process: 1, partition: 0, steps: 3, how: 'run' },
    { kind: 'empty' },
  ],
  last: 1,
};

test('of a hub that was deleted and made again the figures and late events are those of the new one alone, whatever else happens', async () => {
  let replaced = 0;
  await fc.assert(
    fc.asyncProperty(caseOf(...deeds, replace), async (whole) => {
      let redisWasLost = false;
      const { world, sent } = await play(whole, (_world, redisLost) => {
        redisWasLost ||= redisLost;
      });
      replaced += world.redis.forgets;
      expect(world.takenBack).toEqual([]);
      for (const [index, packs] of sent.entries()) {
        const events = packs.flat();
        expect(world.redis.late.get(String(index)) ?? []).toEqual(batchLate(packs));
        const shown = shownOf(world, index);
        const expected = new Map([...batchFigures(events), ...batchRevisions(packs)]);
        if (redisWasLost) for (const figures of [shown, expected]) onlyLive(figures, events);
        expect(shown).toEqual(expected);
      }
    }),
    { numRuns: 300, examples: [[broughtBack], [leftBehind]], endOnFailure: true },
  );
  expect(replaced).toBeGreaterThan(50);
});
