import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { parseIncoming } from '../../../src/broker/message/index.js';
import {
  createNamespacePort,
  type Namespace,
  openNamespace,
  type QueueRuntime,
} from '../../../src/broker/namespace/index.js';
import type { QueueDefinition, Topology } from '../../../src/broker/topology/index.js';
import { queue, subscription, topic } from '../../helpers/broker.js';
import { createManualClock } from '../../helpers/manual-clock.js';
import { hubDeps } from '../log/hub-deps.js';
import { decode, encode } from '../message/messages.js';
import { createMemoryStore, type MemoryStore } from './memory-store.js';

const message = (fields: Record<string, unknown>) => parseIncoming(encode(fields));

let store: MemoryStore;
let namespace: Namespace;
beforeEach(() => {
  store = createMemoryStore();
});

/** Opens what is in the store, as a start does; an earlier namespace is as good as killed. */
async function open(topology: Partial<Topology>): Promise<Namespace> {
  await store.close();
  let tokens = 0;
  const onError = (error: unknown) => {
    throw error;
  };
  const given = { queues: [], topics: [], hubs: [], ...topology };
  const clock = createManualClock();
  namespace = await openNamespace(
    { store, ...hubDeps(onError), clock, newToken: () => `token-${tokens++}`, onError },
    given,
  );
  return namespace;
}

function send(name: string, ...messages: Record<string, unknown>[]): Promise<void> {
  const entity = namespace.find(name);
  if (entity === undefined || entity.kind === 'hub') throw new Error(`${name} takes no messages`);
  return entity.intake(messages.map(message));
}

const queueOf = (name: string): QueueRuntime => {
  const entity = namespace.find(name);
  if (entity?.kind !== 'queue') throw new Error(`${name} is no queue`);
  return entity.queue;
};

const everyQueue = () => [
  ...namespace.queues(),
  ...namespace.topics().flatMap(({ subscriptions }) => [...subscriptions.values()]),
];

/** Waits until nothing is on its way any more. */
async function settle(): Promise<void> {
  for (;;) {
    for (const { queue: one } of everyQueue()) {
      await one.quiet();
      await one.deadLetters?.quiet();
    }
    const waiting = everyQueue().some(
      ({ queue: one, record: { definition } }) =>
        (definition.forwardTo !== undefined && one.facts().count > 0) ||
        (definition.forwardDeadLetteredMessagesTo !== undefined && (one.deadLetters?.facts().count ?? 0) > 0),
    );
    if (!waiting) return;
  }
}

const contents = async (runtime: QueueRuntime | undefined) =>
  ((await runtime?.peek(0, 1000)) ?? []).map(({ payload }) => decode(payload));
const bodies = async (runtime: QueueRuntime | undefined) => (await contents(runtime)).map(({ body }) => body);

describe('a queue that forwards', () => {
  it('puts a message into its destination in the commit that accepts it', async () => {
    await open({ queues: [queue('a', { forwardTo: 'B' }), queue('b')] });
    const before = store.size;
    await send('a', { message_id: 'm', body: 1 });
    // The message and the states of the two queues.
    expect(store.size).toBe(before + 3);
    expect(await bodies(queueOf('b'))).toEqual([1]);
    expect(queueOf('a').facts()).toMatchObject({ count: 0, nextSequence: 2 });
  });

  it('numbers a message anew at each destination and keeps its first number and its ids', async () => {
    await open({ queues: [queue('a', { forwardTo: 'b' }), queue('b', { forwardTo: 'c' }), queue('c')] });
    await send('c', { body: 'earlier' });
    await send('c', { body: 'earlier' });
    await send('a', { message_id: 'm', correlation_id: 'k', application_properties: { n: 1 }, body: 'x' });
    const [, , forwarded] = await contents(queueOf('c'));
    expect(forwarded).toMatchObject({
      message_id: 'm',
      correlation_id: 'k',
      application_properties: { n: 1 },
      body: 'x',
      message_annotations: { 'x-opt-sequence-number': 3, 'x-opt-enqueue-sequence-number': 1 },
    });
  });

  it('forwards what waits when it is switched on, in order, and what comes meanwhile after it', async () => {
    await open({ queues: [queue('a'), queue('b')] });
    for (let body = 0; body < 600; body++) await send('a', { body });
    const port = createNamespacePort(namespace);
    const switching = port.updateQueue(queue('a', { forwardTo: 'b' }));
    const sending = (async () => {
      for (let body = 600; body < 800; body++) await send('a', { body });
    })();
    expect(await switching).toMatchObject({ kind: 'updated' });
    await sending;
    await settle();
    expect(await bodies(queueOf('b'))).toEqual(Array.from({ length: 800 }, (_, body) => body));
    expect(port.queue('a')?.runtime).toMatchObject({ activeMessageCount: 0, transferMessageCount: 0 });
  });

  it('gives a message the time to live of its source, whether it is forwarded at once or had to wait', async () => {
    const short = { defaultMessageTimeToLiveMs: 60_000 };
    await open({ queues: [queue('a', short), queue('b', { defaultMessageTimeToLiveMs: 3_600_000 })] });
    await send('a', { body: 'waited' });
    await send('a', { body: 'waited, shorter', ttl: 5000 });
    await createNamespacePort(namespace).updateQueue(queue('a', { ...short, forwardTo: 'b' }));
    await settle();
    await send('a', { body: 'at once' });
    await send('a', { body: 'at once, shorter', ttl: 5000 });
    await send('a', { body: 'at once, longer', ttl: 90_000 });
    expect((await contents(queueOf('b'))).map(({ body, ttl }) => [body, ttl])).toEqual([
      ['waited', 60_000],
      ['waited, shorter', 5000],
      ['at once', 60_000],
      ['at once, shorter', 5000],
      ['at once, longer', 60_000],
    ]);
  });

  it('goes on after a crash with what it had not forwarded yet', async () => {
    const queues = [queue('a'), queue('b', { requiresDuplicateDetection: true })];
    await open({ queues });
    await send('b', { message_id: '1', body: 1 });
    for (let body = 0; body < 5; body++) await send('a', { message_id: String(body), body });
    await open({ queues: [queue('a', { forwardTo: 'b' }), queue('b', { requiresDuplicateDetection: true })] });
    // The ids of the destination are only in the store now.
    await send('a', { message_id: '3', body: 'again' });
    await send('a', { message_id: '9', body: 9 });
    await settle();
    expect(await bodies(queueOf('b'))).toEqual([1, 0, 2, 3, 4, 9]);
  });

  it('lets the destination detect duplicates, whatever way they come', async () => {
    await open({
      queues: [
        queue('a', { forwardTo: 'c' }),
        queue('b', { forwardTo: 'c' }),
        queue('c', { requiresDuplicateDetection: true }),
      ],
    });
    await send('a', { message_id: 'm', body: 1 });
    await send('b', { message_id: 'm', body: 2 });
    await send('c', { message_id: 'm', body: 3 });
    await send('b', { message_id: 'n', body: 4 });
    expect(await bodies(queueOf('c'))).toEqual([1, 4]);
  });

  it('gives up after four hops, and round in a circle too', async () => {
    const chain = ['a', 'b', 'c', 'd', 'e'].map((name, index, all) =>
      queue(name, { forwardTo: all[index + 1] ?? 'f' }),
    );
    await open({ queues: [...chain, queue('f'), queue('x', { forwardTo: 'y' }), queue('y', { forwardTo: 'x' })] });
    await send('b', { body: 'four' });
    await send('a', { body: 'five' });
    await send('x', { body: 'round' });
    expect(await bodies(queueOf('f'))).toEqual(['four']);
    const [lost] = await contents(queueOf('e').transferDeadLetters);
    expect(lost).toMatchObject({
      body: 'five',
      application_properties: { DeadLetterReason: 'MaxTransferHopCountExceeded' },
    });
    expect(await bodies(queueOf('x').transferDeadLetters)).toEqual(['round']);
    expect(createNamespacePort(namespace).queue('x')?.runtime.transferDeadLetterMessageCount).toBe(1);
  });

  it('keeps what it cannot forward in its transfer dead-letter queue, over a restart too', async () => {
    const queues = [queue('a', { forwardTo: 'b' })];
    await open({ queues: [...queues, queue('b'), queue('s', { requiresSession: true })] });
    const port = createNamespacePort(namespace);
    expect(await port.deleteQueue('b')).toEqual({ kind: 'deleted' });
    await send('a', { body: 'no way' });
    await port.updateQueue(queue('a', { forwardTo: 's' }));
    await send('a', { body: 'no session' });
    await send('a', { group_id: 'g', body: 'session' });
    await open({});
    const lost = await contents(queueOf('a').transferDeadLetters);
    expect(lost.map(({ body, application_properties }) => [body, application_properties])).toMatchObject([
      ['no way', { DeadLetterReason: 'MessagingEntityNotFound' }],
      ['no session', { DeadLetterReason: 'Session ID is null.' }],
    ]);
    expect(await bodies(queueOf('s'))).toEqual(['session']);
    expect(queueOf('a').facts().count).toBe(0);
  });

  it('does not put anything into a destination that is disabled', async () => {
    await open({ queues: [queue('a', { forwardTo: 'b' }), queue('b', { status: 'SendDisabled' })] });
    await send('a', { body: 1 });
    const [lost] = await contents(queueOf('a').transferDeadLetters);
    expect(lost).toMatchObject({ application_properties: { DeadLetterReason: 'MessagingEntityDisabled' } });
    expect(queueOf('b').facts().count).toBe(0);
  });

  it('shows the next topic the properties that an action has set on the way', async () => {
    const rules = [
      { name: 'mark', filter: { kind: 'true' }, action: "SET marked = 'yes'; SET sys.MessageId = 'new'" },
    ] as const;
    const marked = [{ name: 'marked', filter: { kind: 'sql', expression: "marked = 'yes'" } }] as const;
    await open({
      topics: [
        topic('first', { subscriptions: [subscription('on', { rules, forwardTo: 'second' })] }),
        topic('second', { subscriptions: [subscription('marked', { rules: marked })] }),
      ],
    });
    await send('first', { message_id: 'old', body: 1 });
    await send('first', { message_id: 'other', body: 2 });
    // The second has become a repetition of the first on the way.
    const [only, ...none] = await contents(namespace.findSubscription('second', 'marked')?.queue);
    expect(only).toMatchObject({ message_id: 'new', body: 1, application_properties: { marked: 'yes' } });
    expect(none).toEqual([]);
  });

  it('does not multiply a message without bound within one commit', async () => {
    const fan = (name: string, to: string | undefined) =>
      topic(name, {
        requiresDuplicateDetection: false,
        subscriptions: Array.from({ length: 12 }, (_, index) =>
          subscription(`s${index}`, to === undefined ? {} : { forwardTo: to }),
        ),
      });
    await open({ topics: [fan('one', 'two'), fan('two', 'three'), fan('three', undefined)] });
    const commits: number[] = [];
    const { commit } = store;
    store.commit = (writes) => {
      commits.push(writes.reduce((sum, { value }) => sum + (value?.length ?? 0), 0));
      return commit(writes);
    };
    await send('one', { body: 'x'.repeat(16 * 1024) });
    await settle();
    // It becomes 27 MiB.
    expect(Math.max(...commits)).toBeLessThan(5 * 1024 * 1024);
    const counts = [
      ...(namespace
        .topics()
        .find(({ record }) => record.path === 'three')
        ?.subscriptions.values() ?? []),
    ];
    expect(counts.map(({ queue: one }) => one.facts().count)).toEqual(counts.map(() => 144));
  });
});

describe('forwarded dead letters', () => {
  const queues = (forward: Partial<QueueDefinition>) => [queue('a', forward), queue('graveyard')];

  it('say where they come from and why, and do not expire on the way', async () => {
    await open({ queues: queues({ forwardDeadLetteredMessagesTo: 'graveyard' }) });
    await send('a', { message_id: 'm', ttl: 5000, body: 1 });
    const token = await new Promise<string>((resolve) => {
      queueOf('a').attach({
        mode: 'peek-lock',
        wants: () => true,
        reserve() {},
        cancel() {},
        deliver: ({ lockToken }) => resolve(lockToken),
      });
    });
    await queueOf('a').deadLetter(token, { reason: 'bad', description: 'very' });
    await settle();
    const [dead] = await contents(queueOf('graveyard'));
    expect(dead).toMatchObject({
      message_id: 'm',
      body: 1,
      application_properties: { DeadLetterReason: 'bad', DeadLetterErrorDescription: 'very' },
      message_annotations: { 'x-opt-deadletter-source': 'a', 'x-opt-enqueue-sequence-number': 1 },
    });
    expect(dead).not.toHaveProperty('ttl');
    expect(queueOf('a').deadLetters?.facts().count).toBe(0);
  });
});

/** Where a message ends, by the documentation: followed by hand from entity to entity. */
interface Graph {
  /** By queue: where it forwards to (a number, or a queue that is not there), and whether it detects duplicates. */
  readonly queues: readonly { readonly to: number | 'nowhere' | undefined; readonly detects: boolean }[];
}

function createOracle({ queues }: Graph) {
  const delivered = queues.map((): number[] => []);
  const lost = queues.map((): number[] => []);
  const seen = queues.map(() => new Set<string>());
  const targets = queues.map(({ to }) => to);
  function arrive(at: number, [id, body]: readonly [string, number], hops: number): void {
    if (queues[at]?.detects) {
      if (seen[at]?.has(id)) return;
      seen[at]?.add(id);
    }
    leave(at, [id, body], hops);
  }
  function leave(at: number, [id, body]: readonly [string, number], hops: number): void {
    const to = targets[at];
    if (to === undefined) delivered[at]?.push(body);
    else if (to === 'nowhere' || hops === 4) lost[at]?.push(body);
    else arrive(to, [id, body], hops + 1);
  }
  return { delivered, lost, targets, arrive };
}

describe('forwarding, whatever the graph', () => {
  const target = (size: number) =>
    fc.constantFrom<number | 'nowhere' | undefined>(
      undefined,
      undefined,
      'nowhere',
      ...Array.from({ length: size }, (_, index) => index),
    );
  const graph = fc.integer({ min: 2, max: 6 }).chain((size) =>
    fc.record({
      queues: fc.array(fc.record({ to: target(size), detects: fc.boolean() }), { minLength: size, maxLength: size }),
    }),
  );
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('send' as const), at: fc.nat(5), id: fc.nat(6) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
  );

  it('brings every message to the one place where the documentation says it ends', async () => {
    await fc.assert(
      fc.asyncProperty(graph, fc.array(step, { maxLength: 30 }), async (given, steps) => {
        store = createMemoryStore();
        const name = (index: number) => `q${index}`;
        const to = (index: number) => {
          const destination = given.queues[index]?.to;
          if (destination === undefined || destination === index) return {};
          return { forwardTo: destination === 'nowhere' ? 'nowhere' : name(destination) };
        };
        const queues = given.queues.map(({ detects }, index) =>
          queue(name(index), { requiresDuplicateDetection: detects, ...to(index) }),
        );
        await open({ queues: [...queues, queue('nowhere')] });
        await createNamespacePort(namespace).deleteQueue('nowhere');
        const oracle = createOracle({
          queues: given.queues.map((one, index) => (one.to === index ? { ...one, to: undefined } : one)),
        });
        for (const [body, one] of steps.entries()) {
          if (one.kind === 'restart') await open({});
          else {
            const at = one.at % queues.length;
            await send(name(at), { message_id: `m${one.id}`, body });
            oracle.arrive(at, [`m${one.id}`, body], 0);
          }
          await settle();
        }
        for (const index of queues.keys()) {
          expect(await bodies(queueOf(name(index)))).toEqual(oracle.delivered[index]);
          expect(await bodies(queueOf(name(index)).transferDeadLetters)).toEqual(oracle.lost[index]);
        }
      }),
      { numRuns: 150 },
    );
  });
});
