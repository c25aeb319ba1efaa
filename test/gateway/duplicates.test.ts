import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMemoryJournal } from './recall/memory-journal.js';
import { createGatewayRig, createGatewayWorld, type Result, WRITE_KEY } from './rig.js';

const HOUR_MS = 3_600_000;
const view = (id: string) => ({ type: 'page_view', id, anonymousId: 'v' });
const lead = (id: string) => ({ type: 'generate_lead', id });
const order = (id: string | undefined, number: string) => ({
  ...{ type: 'purchase', transaction_id: number, value: 5, currency: 'EUR' },
  ...(id === undefined ? {} : { id }),
});
const accepted = (id: string) => ({ id, outcome: 'accepted', durability: 'broker' });
const duplicate = (id: string) => ({ id, outcome: 'duplicate' });

describe('a retry within 13 hours is a duplicate, and is not sent again', () => {
  it('of a click and of an order', async () => {
    const rig = await createGatewayRig();
    const events = [view('a'), lead('b'), order('c', 'T1')];
    expect(await rig.results(events)).toEqual([accepted('a'), accepted('b'), accepted('c')]);
    await rig.passTime(13 * HOUR_MS - 1);
    expect(await rig.results(events)).toEqual([duplicate('a'), duplicate('b'), duplicate('c')]);
    expect(rig.brokers.hubEvents()).toHaveLength(1);
    expect(rig.brokers.state.messages).toHaveLength(2);
    await rig.passTime(1);
    expect(await rig.results(view('a'))).toEqual([accepted('a')]);
  });

  it('of an order that is told under another id, or under none', async () => {
    const rig = await createGatewayRig();
    await rig.results(order('p', 'T1'));
    expect(await rig.results([order('q', 'T1'), order('p', 'T2')])).toEqual([duplicate('q'), duplicate('p')]);
    expect(await rig.results(order(undefined, 'T1'))).toMatchObject([{ outcome: 'duplicate' }]);
    expect(await rig.results(order('r', 'T3'))).toEqual([accepted('r')]);
    expect(rig.brokers.state.messages.map(({ messageId }) => messageId)).toEqual(['purchase:T1', 'purchase:T3']);
  });

  it('and takes nothing of the quota of its source', async () => {
    const sources = [{ name: 'shop', writeKey: WRITE_KEY, eventsPerDay: 2 }];
    const rig = await createGatewayRig({ gateway: { sources } });
    await rig.results(view('a'));
    expect(await rig.results([view('a'), view('a'), view('b'), view('c')])).toMatchObject([
      { outcome: 'duplicate' },
      { outcome: 'duplicate' },
      { outcome: 'accepted' },
      { outcome: 'dropped', reason: 'quota' },
    ]);
  });

  it('which a dry run tells, and makes none', async () => {
    const rig = await createGatewayRig();
    const dryRun = async () => {
      const headers = { authorization: `Bearer ${WRITE_KEY}` };
      const request = { method: 'POST' as const, url: '/v1/events?dry_run=1', headers, payload: view('a') };
      return (await rig.app.inject(request)).json<{ results: Result[] }>().results;
    };
    expect(await dryRun()).toEqual([{ id: 'a', outcome: 'valid' }]);
    expect(await rig.results(view('a'))).toEqual([accepted('a')]);
    expect(await dryRun()).toEqual([duplicate('a')]);
  });
});

describe('what is no retry is none', () => {
  it('an event that got its id from the gateway', async () => {
    const rig = await createGatewayRig();
    for (let times = 0; times < 3; times++)
      expect(await rig.results({ type: 'page_view' })).toMatchObject([{ outcome: 'accepted' }]);
    expect(rig.brokers.hubEvents()).toHaveLength(3);
  });

  it('the same id of another source, or on the way to another destination', async () => {
    const sources = [
      { name: 'shop', writeKey: WRITE_KEY },
      { name: 'other', writeKey: 'another-key' },
    ];
    const rig = await createGatewayRig({ gateway: { sources } });
    await rig.results([view('a'), lead('b')]);
    expect(await rig.results([view('a'), view('b')], { authorization: 'Bearer another-key' })).toMatchObject([
      { outcome: 'accepted' },
      { outcome: 'accepted' },
    ]);
    // An order is not lost because a click has its id, in this request or before.
    expect(await rig.results([lead('a'), view('c'), lead('c')])).toEqual([accepted('a'), accepted('c'), accepted('c')]);
  });

  it('an event that was rejected, dropped, or could not be sent', async () => {
    const sources = [{ name: 'shop', writeKey: WRITE_KEY, types: ['page_view', 'generate_lead'] }];
    const rig = await createGatewayRig({ gateway: { sources }, limits: { eventBytes: 1000 } });
    const large = { ...view('a'), blob: 'x'.repeat(1000) };
    expect(await rig.results([{ type: 'click', id: 'a' }, large])).toMatchObject([
      { outcome: 'rejected' },
      { outcome: 'rejected' },
    ]);
    rig.brokers.state.hubFailure = 'PS_PUBLISH_TIMEOUT';
    expect((await rig.post([view('a'), view('a')])).statusCode).toBe(503);
    rig.brokers.state.hubFailure = undefined;
    await rig.passTime(5_000);
    expect(await rig.results(view('a'))).toEqual([accepted('a')]);
  });
});

describe('an id that is on its way twice at once', () => {
  const openGate = () => {
    let open = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    return { gate, open };
  };

  it('is no duplicate before one of them is durable: then the other is', async () => {
    const rig = await createGatewayRig();
    const { gate, open } = openGate();
    rig.brokers.state.hubWaits = gate;
    const both = Promise.all([rig.results(view('a')), rig.results(view('a'))]);
    // Both are on their way: nobody has been answered.
    expect(await Promise.race([both, new Promise((resolve) => setImmediate(resolve, 'waits'))])).toBe('waits');
    open();
    expect(
      (await both)
        .flat()
        .map(({ outcome }) => outcome)
        .sort(),
    ).toEqual(['accepted', 'duplicate']);
    expect(await rig.results(view('a'))).toEqual([duplicate('a')]);
  });

  it('is sent by the second when the first fails', async () => {
    const rig = await createGatewayRig();
    const { gate, open } = openGate();
    rig.brokers.state.hubWaits = gate;
    const first = rig.post(view('a'));
    await new Promise((resolve) => setImmediate(resolve));
    rig.brokers.state.hubFailure = 'PS_PUBLISH_UNAVAILABLE';
    open();
    expect((await first).statusCode).toBe(503);
    rig.brokers.state.hubFailure = undefined;
    await rig.passTime(5_000);
    expect(await rig.results(view('a'))).toEqual([accepted('a')]);
  });
});

describe('gateways that share a journal', () => {
  it('know after a restart what was accepted before', async () => {
    const { openJournal } = createMemoryJournal();
    const world = { ...createGatewayWorld(), openJournal };
    const before = await createGatewayRig({ world });
    await before.results([view('a'), order(undefined, 'T1')]);
    await before.gateway.stop({ deadlineMs: 0 });
    await before.passTime(HOUR_MS);
    const after = await createGatewayRig({ world });
    expect(await after.results([view('a'), order('p', 'T1')])).toEqual([duplicate('a'), duplicate('p')]);
    await after.passTime(12 * HOUR_MS);
    expect(await after.results([view('a')])).toEqual([accepted('a')]);
  });

  it('know a second later what another one has accepted', async () => {
    const { openJournal } = createMemoryJournal();
    const world = { ...createGatewayWorld(), openJournal };
    const one = await createGatewayRig({ world });
    const other = await createGatewayRig({ world });
    await one.results(view('a'));
    expect(await other.results(view('a'))).toEqual([accepted('a')]);
    await one.results(view('b'));
    await other.passTime(1_000);
    expect(await other.results(view('b'))).toEqual([duplicate('b')]);
  });
});

/** What a client and its brokers do. */
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('post' as const),
      // Few, so that most come again; several at a time, and several requests at once.
      requests: fc.array(fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 4 }), {
        minLength: 1,
        maxLength: 3,
      }),
      topicFails: fc.boolean(),
      hubFails: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const), lost: fc.integer({ min: 0, max: 3 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait' as const), hours: fc.integer({ min: 1, max: 7 }) }) },
);

/** Even numbers are clicks, odd ones leads. */
const eventOf = (number: number) => (number % 2 === 0 ? view(`e${number}`) : lead(`e${number}`));

describe('whatever fails and is started again', () => {
  it('a duplicate is durable, and what was accepted by a gateway that still runs is one for 13 hours', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 16 }), async (steps) => {
        const journal = createMemoryJournal();
        const world = { ...createGatewayWorld(), openJournal: journal.openJournal };
        const { brokers, clock } = world;
        let rig = await createGatewayRig({ world });
        /** When this gateway, or one before it that lost nothing, answered for an event that it is durable. */
        const known = new Map<string, number>();
        for (const each of steps) {
          if (each.kind === 'wait') await rig.passTime(each.hours * HOUR_MS);
          else if (each.kind === 'restart') {
            await rig.gateway.stop({ deadlineMs: 0 });
            journal.lose(each.lost);
            if (each.lost > 0) known.clear();
            rig = await createGatewayRig({ world });
          } else {
            brokers.state.topicFailure = each.topicFails ? 'PS_PUBLISH_UNAVAILABLE' : undefined;
            brokers.state.hubFailure = each.hubFails ? 'PS_PUBLISH_TIMEOUT' : undefined;
            const atMs = clock.now();
            const sentBefore = sent();
            const answers = await Promise.all(each.requests.map((numbers) => rig.post(numbers.map(eventOf))));
            const fresh = [...known].filter(([, knownMs]) => atMs - knownMs < 13 * HOUR_MS).map(([id]) => id);
            const results = answers.flatMap((answer) =>
              answer.statusCode === 200 ? answer.json<{ results: Result[] }>().results : [],
            );
            const durable = sent();
            for (const { id, outcome } of results) {
              const name = id ?? '';
              if (outcome === 'accepted' || outcome === 'duplicate') expect(durable).toContain(name);
              if (fresh.includes(name)) expect(outcome).toBe('duplicate');
            }
            for (const { id, outcome } of results) if (outcome === 'accepted') known.set(id ?? '', atMs);
            // Not sent again, not even in vain.
            for (const id of fresh) expect(count(durable, id)).toBe(count(sentBefore, id));
            brokers.state.topicFailure = undefined;
            brokers.state.hubFailure = undefined;
            await rig.passTime(5_000);
          }
        }
        await rig.gateway.stop({ deadlineMs: 0 });

        function sent(): string[] {
          return [
            ...brokers.hubEvents().map(({ id }) => id),
            ...brokers.state.messages.map(({ messageId }) => messageId),
          ];
        }
      }),
      { numRuns: 12 },
    );
  });
});

const count = (ids: readonly string[], id: string): number => ids.filter((one) => one === id).length;
