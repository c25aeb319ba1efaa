import { beforeEach, expect, test } from 'vitest';
import { createOfferSender, OFFER_LIFETIME_MS } from '../../../src/aggregators/behaviour/offer-sender.js';
import { createOutbox, type Outbox } from '../../../src/aggregators/behaviour/outbox.js';
import type { TopicMessage } from '../../../src/events/index.js';
import { PublishError } from '../../../src/messaging/index.js';
import { createLogger } from '../../../src/shared/logger.js';
import { createManualClock, type ManualClock } from '../../helpers/manual-clock.js';

let clock: ManualClock;
let sent: string[];
let answer: (messages: readonly TopicMessage[]) => Promise<number>;

beforeEach(() => {
  clock = createManualClock();
  sent = [];
  answer = async (messages) => messages.length;
});

const offer = (id: string, timeMs = clock.now()) => ({
  timeMs,
  message: { body: '{}', messageId: id, applicationProperties: {} },
});
const ids = (outbox: Outbox) => outbox.peek(1_000).map(({ message }) => message.messageId);

function sender(outbox: Outbox) {
  return createOfferSender({
    partitionId: '0',
    outbox,
    topic: {
      async send(messages) {
        const count = await answer(messages);
        sent.push(...messages.slice(0, count).map(({ messageId }) => messageId));
        return count;
      },
    },
    clock,
    random: () => 1,
    logger: createLogger('test', 'silent'),
  });
}

/** Lets everything that waits for nothing but a turn happen. */
async function settle() {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}

test('offers leave the outbox when the topic has them, and not before', async () => {
  const outbox = createOutbox(10);
  let settled = () => {};
  answer = (messages) =>
    new Promise((resolve) => {
      settled = () => resolve(messages.length);
    });
  outbox.add(offer('a'));
  const { kick } = sender(outbox);
  kick();
  await settle();
  expect(ids(outbox)).toEqual(['a']);
  outbox.add(offer('b'));
  kick();
  settled();
  await settle();
  expect(ids(outbox)).toEqual(['b']);
  settled();
  await settle();
  expect(sent).toEqual(['a', 'b']);
  expect(outbox.size).toBe(0);
});

test('as many are sent at once as the topic takes, and then the others', async () => {
  const outbox = createOutbox(1_000);
  for (let index = 0; index < 250; index++) outbox.add(offer(String(index)));
  answer = async (messages) => Math.min(70, messages.length);
  sender(outbox).kick();
  await settle();
  expect(sent).toEqual(Array.from({ length: 250 }, (_, index) => String(index)));
});

test('while the topic is away offers wait, and it is tried again after longer and longer, with no timer beside', async () => {
  const outbox = createOutbox(10);
  let tries = 0;
  answer = async () => {
    tries++;
    throw new PublishError('PS_PUBLISH_UNAVAILABLE', 'away');
  };
  outbox.add(offer('a'));
  const { kick } = sender(outbox);
  kick();
  await settle();
  for (let kicks = 0; kicks < 5; kicks++) kick();
  expect([tries, clock.pending]).toEqual([1, 1]);
  for (const waitMs of [500, 1_000, 2_000]) {
    clock.advance(waitMs - 1);
    await settle();
    const before = tries;
    clock.advance(1);
    await settle();
    expect(tries).toBe(before + 1);
  }
  answer = async (messages) => messages.length;
  clock.advance(30_000);
  await settle();
  expect([sent, outbox.size, clock.pending]).toEqual([['a'], 0, 0]);
});

test('beyond the bound the oldest offers leave, those being sent included', async () => {
  const outbox = createOutbox(3);
  answer = async () => {
    throw new PublishError('PS_PUBLISH_TIMEOUT', 'away');
  };
  const sending = sender(outbox);
  const { kick } = sending;
  const givenUp = () => sending.givenUp;
  for (const id of ['a', 'b', 'c', 'd', 'e']) {
    outbox.add(offer(id));
    kick();
  }
  await settle();
  expect(ids(outbox)).toEqual(['c', 'd', 'e']);
  expect([outbox.overflowed, givenUp()]).toEqual([2, 2]);
  answer = async (messages) => messages.length;
  clock.advance(1_000);
  await settle();
  expect(sent).toEqual(['c', 'd', 'e']);
});

test('an offer whose time is over is not sent any more', async () => {
  const outbox = createOutbox(10);
  outbox.add(offer('old', clock.now() - OFFER_LIFETIME_MS - 1));
  outbox.add(offer('just', clock.now() - OFFER_LIFETIME_MS));
  const sending = sender(outbox);
  const waiting: number[] = [];
  sending.onChange(() => waiting.push(outbox.size));
  sending.kick();
  await settle();
  expect([sent, outbox.size]).toEqual([['just'], 0]);
  expect([sending.givenUp, waiting]).toEqual([1, [0]]);
});

test('no offer is given up because many of them together are too large for the topic', async () => {
  const outbox = createOutbox(1_000);
  for (let index = 0; index < 250; index++) outbox.add(offer(String(index)));
  answer = async (messages) => {
    if (messages.length > 7) throw new PublishError('PS_PUBLISH_TOO_LARGE', 'batches of so many bytes are refused');
    return messages.length;
  };
  const sending = sender(outbox);
  sending.kick();
  for (let turns = 0; turns < 20; turns++) await settle();
  expect(sent).toEqual(Array.from({ length: 250 }, (_, index) => String(index)));
  expect([sending.givenUp, outbox.size]).toEqual([0, 0]);
});

test('a message that the topic never takes does not hold up the others', async () => {
  const outbox = createOutbox(10);
  for (const id of ['large', 'b']) outbox.add(offer(id));
  answer = async (messages) => {
    if (messages[0]?.messageId === 'large') throw new PublishError('PS_PUBLISH_TOO_LARGE', 'too large');
    return messages.length;
  };
  const sending = sender(outbox);
  sending.kick();
  await settle();
  expect([sent, outbox.size, sending.givenUp]).toEqual([['b'], 0, 1]);
});

test('a closed sender sends no more and leaves nothing behind: what was in flight stays for the next owner', async () => {
  const outbox = createOutbox(10);
  answer = async () => {
    throw new PublishError('PS_PUBLISH_UNAVAILABLE', 'away');
  };
  outbox.add(offer('a'));
  const { kick, close } = sender(outbox);
  kick();
  await settle();
  close();
  expect(clock.pending).toBe(0);
  answer = async (messages) => messages.length;
  kick();
  await settle();
  expect([sent, ids(outbox)]).toEqual([[], ['a']]);
});
