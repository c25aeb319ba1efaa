import { expect, it } from 'vitest';
import type { FromWorker, ToWorker } from '../../../src/cli/gateway/messages.js';
import { createPeers } from '../../../src/cli/gateway/peers.js';
import { createRelay, type RelayedWorker } from '../../../src/cli/gateway/relay.js';
import type { Counted, PeerAnswers, Peers } from '../../../src/gateway/index.js';
import { createQuota } from '../../../src/gateway/policy/quota.js';
import { createSharedCounts } from '../../../src/gateway/policy/shared-counts.js';
import { createManualClock } from '../../helpers/manual-clock.js';

const settle = () => new Promise((resolve) => setImmediate(resolve));

/** Workers of one gateway and the process between them, with JSON in place of pipes. */
function createWorkers(expected: number) {
  const clock = createManualClock();
  const relay = createRelay(clock, expected);
  let messages = 0;
  const open = (number: number, answer: (() => unknown) | 'silent', prepare?: (peers: Peers) => void) => {
    let toWorker: (message: ToWorker) => void = () => {};
    const relayed: RelayedWorker = {
      number,
      send: (message) => toWorker(JSON.parse(JSON.stringify(message)) as ToWorker),
    };
    const peers = createPeers(
      {
        send(message: FromWorker) {
          messages++;
          relay.receive(relayed, JSON.parse(JSON.stringify(message)) as FromWorker);
        },
        onMessage(listener) {
          toWorker = answer === 'silent' ? () => {} : listener;
        },
      },
      clock,
    );
    if (answer !== 'silent')
      peers.answerWith({ metrics: async () => answer(), ready: answer, where: answer } as unknown as PeerAnswers);
    const told: Counted[] = [];
    peers.onTold((counts) => told.push(...counts));
    prepare?.(peers);
    relay.join(relayed);
    return { peers, told, leave: () => relay.leave(relayed) };
  };
  return { clock, open, messages: () => messages };
}

it('whichever worker asks gets the answers of all, in the order of their numbers, those without one of their own behind', async () => {
  const { open } = createWorkers(2);
  open(5, () => 'the spool of a former one');
  const second = open(1, () => 'second');
  open(0, () => 'first');
  expect(await second.peers.ask('metrics')).toEqual(['first', 'second', 'the spool of a former one']);
  expect(await second.peers.ask('where', 'a')).toEqual(['first', 'second', 'the spool of a former one']);
});

it('a worker that is not there, cannot tell or does not answer in time is told as such, and nobody waits longer', async () => {
  const { clock, open } = createWorkers(4);
  const first = open(0, () => 'first');
  open(1, () => {
    throw new Error('cannot tell');
  });
  open(2, 'silent');
  const asked = first.peers.ask('metrics');
  await settle();
  clock.advance(2_000);
  expect(await asked).toEqual(['first', undefined, undefined, undefined]);
  expect(clock.pending).toBe(0);
});

it('a worker that ends while it is asked is not waited for', async () => {
  const { clock, open } = createWorkers(2);
  const first = open(0, () => 'first');
  const second = open(1, 'silent');
  const asked = first.peers.ask('metrics');
  await settle();
  second.leave();
  expect(await asked).toEqual(['first', undefined]);
  expect(clock.pending).toBe(0);
});

it('without the process between them a worker gives up', async () => {
  const clock = createManualClock();
  const peers = createPeers({ send: () => {}, onMessage: () => {} }, clock);
  const asked = peers.ask('ready');
  clock.advance(3_000);
  expect(await asked).toEqual([undefined]);
});

it('many who ask the same at once are one question', async () => {
  const { open, messages } = createWorkers(1);
  const { peers } = open(0, () => 'first');
  const answers = await Promise.all(Array.from({ length: 100 }, () => peers.ask('ready')));
  expect(new Set(answers.flat())).toEqual(new Set(['first']));
  // The question and its answer.
  expect(messages()).toBe(2);
  await peers.ask('ready');
  expect(messages()).toBe(4);
});

it('a worker that comes later is told what has gone from the quotas of the day, and of nothing else', () => {
  const { clock, open } = createWorkers(2);
  const first = open(0, () => 'x');
  const second = open(1, () => 'x');
  const rates: Counted = ['rate shop 0', '192.0.2.1', 9];
  first.peers.tellOthers([['quota shop', '', 3], ['quota blog', '', 1], rates]);
  second.peers.tellOthers([['quota shop', '', 4]]);
  second.leave();
  expect(open(1, () => 'x').told).toEqual([
    ['quota shop', '', 7],
    ['quota blog', '', 1],
  ]);
  clock.advance(86_400_000);
  expect(open(1, () => 'x').told).toEqual([]);
});

it('a quota is not given anew to a worker that was started again', () => {
  const { clock, open } = createWorkers(2);
  const takes: (ReturnType<typeof createQuota> | undefined)[] = [];
  const withQuota = (peers: Peers) =>
    takes.push(createQuota(10, { counts: createSharedCounts(clock, peers), name: 'shop' }));
  const former = open(1, () => 'x', withQuota);
  for (let count = 0; count < 7; count++) takes[0]?.(clock.now());
  clock.advance(100);
  former.leave();
  open(1, () => 'x', withQuota);
  const passed = Array.from({ length: 20 }, () => takes[1]?.(clock.now()));
  expect(passed.filter((pass) => pass)).toHaveLength(3);
});

it('what a worker has counted the others are told, and not itself', () => {
  const { open } = createWorkers(3);
  const workers = [0, 1, 2].map((number) => open(number, () => 'x'));
  workers[1]?.peers.tellOthers([['rate', '__proto__', 3]]);
  expect(workers.map(({ told }) => told)).toEqual([[['rate', '__proto__', 3]], [], [['rate', '__proto__', 3]]]);
});
