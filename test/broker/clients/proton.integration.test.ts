import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hub, queue, startTestBroker, type TestBroker } from '../../helpers/broker.js';
import { type ClientResults, runClient } from './clients.js';

let broker: TestBroker;
let results: ClientResults;
beforeAll(async () => {
  broker = await startTestBroker({ queues: [queue('proton')], topics: [], hubs: [hub('proton-hub')] });
  results = await runClient('proton_checks.py', broker);
}, 240_000);
afterAll(() => broker.remove());

describe('Qpid Proton, in Python', () => {
  it.each([
    'sends, receives and settles on one session, with the key as its password',
    'releases, rejects and receives again',
    'names entities by whole URLs',
    'is told in the words of AMQP what does not exist and what is too large',
    'is nobody until it has put a token, and then what the token says',
    "speaks TLS with the broker's own authority",
    'reads a partition of a hub from a position',
    'commits a transaction, and another one it aborts leaves nothing',
  ])('%s', (title) => {
    expect(results.get(title)).toEqual({});
  });
});
