import fc from 'fast-check';
import { expect, test } from 'vitest';
import { allMetrics } from '../../../src/aggregators/metrics/index.js';
import { defaultAggregatorOptions } from '../../../src/aggregators/options.js';
import { createPartitionState } from '../../../src/aggregators/state/partition.js';
import type { PenstockEvent, TopicMessage } from '../../../src/events/index.js';
import type { BehaviourDefinition } from '../../../src/shared/config/index.js';
import { createPartitionDriver, START_MS } from '../driver.js';
import { MINUTE, outfit, product, view } from './support.js';

type Driver = ReturnType<typeof createPartitionDriver>;
type Step =
  | { readonly kind: 'send'; readonly pack: readonly PenstockEvent[] }
  | { readonly kind: 'read'; readonly count: number }
  | { readonly kind: 'show' | 'failToShow' | 'save' | 'crash' | 'publish' | 'publishUnheard' | 'copy' };

/** A topic that detects duplicates: what it has first of an id is what it has. */
function createTopic() {
  const messages = new Map<string, TopicMessage>();
  const made: string[] = [];
  return {
    messages,
    /** Every message that was sent, those that were dropped included, says the same. */
    send(driver: Driver) {
      const waiting = driver.state.outbox.peek(1_000);
      for (const { message } of waiting) {
        const first = messages.get(message.messageId);
        if (first === undefined) {
          messages.set(message.messageId, message);
          made.push(message.messageId);
        } else expect(message).toEqual(first);
      }
      return waiting;
    },
    /** What `consume live-figures` copies to the hub, with the id of the message in it. */
    copies: () =>
      made.splice(0).map((id) => ({ ...(JSON.parse(messages.get(id)?.body ?? '') as PenstockEvent), messageid: id })),
  };
}

const views = fc.record({
  item: fc.constantFrom('a', 'b', 'c', 's', 't', 'x'),
  visitor: fc.constantFrom('v1', 'v2'),
  atMs: fc.nat(20 * MINUTE),
  id: fc.nat(600),
});

/** Three times of day, one after the other, so that a visitor can have more than one offer. */
const steps: fc.Arbitrary<Step[]> = fc
  .array(
    fc.oneof(
      {
        weight: 7,
        arbitrary: fc.record({
          kind: fc.constant('send' as const),
          pack: fc.array(views, { minLength: 2, maxLength: 8, size: 'max' }),
        }),
      },
      {
        weight: 4,
        arbitrary: fc.record({ kind: fc.constant('read' as const), count: fc.integer({ min: 1, max: 4 }) }),
      },
      ...(['show', 'failToShow', 'save', 'crash', 'publish', 'publishUnheard', 'copy'] as const).map((kind) => ({
        weight: 1,
        arbitrary: fc.constant({ kind }),
      })),
    ),
    { minLength: 20, maxLength: 60, size: 'max' },
  )
  .map((list) =>
    list.map((step, index): Step => {
      if (step.kind !== 'send') return step;
      const dayMs = Math.floor((3 * index) / list.length) * 45 * MINUTE;
      const pack = step.pack.map(({ item, visitor, atMs, id }) =>
        view(dayMs + atMs, { ...product(item), visitor, id: `id-${id}` }),
      );
      return { kind: 'send', pack };
    }),
  );

async function take(step: Step, driver: Driver, topic: ReturnType<typeof createTopic>): Promise<void> {
  switch (step.kind) {
    case 'send':
      return driver.send(step.pack);
    case 'read':
      return driver.read(step.count);
    case 'publish':
      return driver.state.outbox.remove(topic.send(driver));
    case 'publishUnheard':
      // The topic has them, and the answer never comes.
      return void topic.send(driver);
    case 'copy':
      return driver.send(topic.copies());
    default:
      return driver[step.kind]();
  }
}

/** The offers of views that are read in one go: their messages by id. */
function offersOf(packs: readonly (readonly PenstockEvent[])[]): Map<string, TopicMessage> {
  const driver = createPartitionDriver('0', undefined, [outfit]);
  const topic = createTopic();
  for (const pack of packs) driver.send(pack);
  driver.read();
  topic.send(driver);
  return topic.messages;
}

let offers = 0;

test('whatever crashes, and whatever the topic is told twice, it has the offers of a run without a crash', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (list) => {
      const driver = createPartitionDriver('0', undefined, [outfit]);
      const topic = createTopic();
      const packs: (readonly PenstockEvent[])[] = [];
      for (const step of list) {
        if (step.kind === 'send') packs.push(step.pack);
        await take(step, driver, topic);
      }
      driver.read();
      topic.send(driver);
      expect(topic.messages).toEqual(offersOf(packs));
      offers += topic.messages.size;
      const copied = driver.shown.sum('totals', 0, 'malformed');
      expect(copied).toBe(0);
    }),
    { numRuns: 60 },
  );
  expect(offers).toBeGreaterThan(30);
});

test('a state that was lost makes no second offer to a visitor in a window of the clock', async () => {
  await fc.assert(
    fc.asyncProperty(steps, fc.nat(80), async (list, loseAt) => {
      const driver = createPartitionDriver('0', undefined, [outfit]);
      const topic = createTopic();
      for (const [index, step] of list.entries()) {
        if (index === loseAt) {
          // What was offered before is judged anew, and from other events.
          driver.lose(2);
          await driver.crash();
        }
        const made = driver.state.outbox.peek(1_000).map(({ message }) => message.messageId);
        expect(new Set(made).size).toBe(made.length);
        for (const { message } of driver.state.outbox.peek(1_000)) topic.messages.set(message.messageId, message);
        if (step.kind !== 'publish' && step.kind !== 'publishUnheard') await take(step, driver, topic);
      }
      const windows = [...topic.messages.values()].map(({ body }) => {
        const { time, data } = JSON.parse(body) as PenstockEvent;
        return `${data.anonymousId} ${Math.floor(Date.parse(time) / outfit.windowMs)}`;
      });
      expect(new Set(windows).size).toBe(windows.length);
    }),
    { numRuns: 60 },
  );
});

test('an offer that comes back from the topic changes no figure of its visitor, and leads to no other offer', () => {
  const everything = { ...outfit, events: [], transitions: outfit.transitions.map((each) => ({ ...each, when: [] })) };
  const driver = createPartitionDriver('0', undefined, [everything]);
  const topic = createTopic();
  driver.count(view(0), view(MINUTE), view(2 * MINUTE));
  const figures = new Map(driver.shown.values);
  driver.state.outbox.remove(topic.send(driver));
  expect(topic.messages.size).toBe(1);
  driver.count(...topic.copies());
  for (const [key, value] of driver.shown.values) {
    if (/^(visitors|devices|sessions|pages|categories|funnel|revenue)\//.test(key))
      expect(value, key).toBe(figures.get(key));
  }
  expect(driver.total('counted')).toBe(4);
  for (const round of [1, 2, 3]) {
    driver.count({ ...JSON.parse([...topic.messages.values()][0]?.body ?? ''), id: `again-${round}` });
  }
  expect(driver.state.outbox.size).toBe(0);
});

test('the message says whom, what and why, and nothing that depends on when it is made', () => {
  const driver = createPartitionDriver('0', undefined, [outfit]);
  const person = { data: { userId: 'user-1', sessionId: 's-1', consent: { marketing: true, odd: 'yes' } } };
  driver.count(view(0, product('a')), view(1, product('s')), view(2, { ...product('b'), ...person, id: 'last' }));
  const [offer] = driver.state.outbox.peek(1);
  expect(offer?.message.applicationProperties).toEqual({
    type: 'offer_made',
    source: 'shop',
    offer: 'outfit-discount',
    country: 'DE',
    userId: 'user-1',
  });
  expect(offer?.message.messageId).toMatch(/^offer:[0-9a-f]{64}$/);
  expect(JSON.parse(offer?.message.body ?? '')).toEqual({
    specversion: '1.0',
    id: offer?.message.messageId,
    source: 'shop',
    type: 'offer_made',
    time: new Date(START_MS + 2).toISOString(),
    subject: 'user-1',
    data: {
      anonymousId: 'v1',
      userId: 'user-1',
      sessionId: 's-1',
      consent: { marketing: true },
      context: { device: 'mobile', country: 'DE' },
      properties: {
        offer: 'outfit-discount',
        behaviour: 'outfit',
        items: ['a', 's', 'b'].map((item) => ({ item_id: item, item_category: product(item).category })),
      },
      receivedAt: new Date(START_MS + 2).toISOString(),
    },
  });
});

test('the newest transitions are shown, and after a crash the same', async () => {
  const driver = createPartitionDriver('0', undefined, [outfit]);
  driver.send([view(0, product('a')), view(1, product('s')), view(2, product('b'))]);
  driver.read();
  const lists = () => driver.state.takeChanges()?.lists.find(({ metric }) => metric === 'offers')?.entries;
  const entries = lists() as { entry: object }[];
  expect(entries.map(({ entry }) => entry)).toEqual([
    { ...step(2), from: 'shoes', to: 'browsing', offer: 'outfit-discount' },
    { ...step(1), from: 'clothes', to: 'shoes' },
    { ...step(0), from: 'browsing', to: 'clothes' },
  ]);
  await driver.save();
  await driver.crash();
  expect(lists()).toEqual(entries);
});

const step = (atMs: number) => ({
  time: new Date(START_MS + atMs).toISOString(),
  anonymousId: 'v1',
  behaviour: 'outfit',
});

/** The same partition after a restart with another definition, and what reads its events on. */
function restartWith(definition: BehaviourDefinition, driver: Driver) {
  const parts = { ...allMetrics, behaviours: [definition], seed: [1, 2] as const };
  const state = createPartitionState(defaultAggregatorOptions, parts, driver.state.save());
  let sequenceNumber = driver.state.position?.sequenceNumber ?? -1;
  const read = (...views: PenstockEvent[]) => {
    sequenceNumber++;
    const enqueuedAtMs = Math.max(...views.map(({ time }) => Date.parse(time)));
    state.apply(views, { sequenceNumber, offset: String(sequenceNumber), enqueuedAtMs });
  };
  return {
    state,
    read,
    names: () => state.outbox.peek(9).map(({ message }) => JSON.parse(message.body).data.properties),
  };
}

const withOffer = (name: string): BehaviourDefinition => ({
  ...outfit,
  transitions: outfit.transitions.map(({ offer, ...step }) =>
    offer === undefined ? step : { ...step, offer: { name } },
  ),
});
const otherSteps: BehaviourDefinition = { ...outfit, refresh: 'item_name' };

test('who is on the way when another offer, or another time, is configured gets what is offered now', () => {
  const driver = createPartitionDriver('0', undefined, [outfit]);
  driver.count(view(0, product('a')), view(1, product('s')));
  const { read, names } = restartWith({ ...withOffer('more'), windowMs: 29 * MINUTE }, driver);
  read(view(2, product('b')));
  expect(names()).toMatchObject([{ offer: 'more' }]);
});

test.each([
  ['another offer', withOffer('more')],
  ['other steps', otherSteps],
])('a definition with %s brings nobody a second offer within the window, and everybody one after it', (_, changed) => {
  const driver = createPartitionDriver('0', undefined, [outfit]);
  driver.count(...'asb'.split('').map((item, at) => view(at, product(item))));
  const { state, read, names } = restartWith(changed, driver);
  expect(names()).toMatchObject([{ offer: 'outfit-discount' }]);
  read(...'csd'.split('').map((item, at) => view(10 + at, product(item))));
  expect(state.outbox.size).toBe(1);
  read(...'csd'.split('').map((item, at) => view(outfit.windowMs + 20 + at, product(item))));
  const ids = state.outbox.peek(9).map(({ message }) => message.messageId);
  expect(new Set(ids).size).toBe(2);
});

test('an offer that was sent, and whose state was lost before another definition came, is not sent a second time', () => {
  const views = 'asb'.split('').map((item, at) => view(at, product(item)));
  const [sent, anew] = [outfit, withOffer('more')].map((definition) => {
    const driver = createPartitionDriver('0', undefined, [definition]);
    driver.count(...views);
    return driver.state.outbox.peek(9).map(({ message }) => message.messageId);
  });
  expect(anew).toEqual(sent);
});
