import { expect, it } from 'vitest';
import type { FromWorker, ToWorker } from '../../../src/cli/gateway/messages.js';
import { createPeers } from '../../../src/cli/gateway/peers.js';
import { createRelay, type RelayedWorker } from '../../../src/cli/gateway/relay.js';
import type { Counted, PeerAnswers } from '../../../src/gateway/index.js';
import { createManualClock } from '../../helpers/manual-clock.js';

const settle = () => new Promise((resolve) => setImmediate(resolve));

/** Workers of one gateway and the process between them, with JSON in place of pipes. */
function createWorkers(expected: number) {
  const clock = createManualClock();
  const relay = createRelay(clock, expected);
  let messages = 0;
  const open = (number: number, answer: (() => unknown) | 'silent') => {
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

it('what a worker has counted the others are told, and not itself', () => {
  const { open } = createWorkers(3);
  const workers = [0, 1, 2].map((number) => open(number, () => 'x'));
  workers[1]?.peers.tellOthers([['rate', '__proto__', 3]]);
  expect(workers.map(({ told }) => told)).toEqual([[['rate', '__proto__', 3]], [], [['rate', '__proto__', 3]]]);
});
