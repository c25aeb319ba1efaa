import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hub, startTestBroker, type TestBroker } from '../../helpers/broker.js';
import { type ClientResults, runClient } from './clients.js';

let broker: TestBroker;
let results: ClientResults;
beforeAll(async () => {
  broker = await startTestBroker({ queues: [], topics: [], hubs: [hub('python-hub', { consumerGroups: ['owners'] })] });
  results = await runClient('eventhub_checks.py', broker);
}, 400_000);
afterAll(() => broker.remove());

describe("Azure's SDK for Event Hubs, in Python", () => {
  it.each([
    'knows the partitions of a hub and what they hold',
    'sends batches by partition, and reads them from the beginning, with their properties',
    'sends by key to one partition',
    'reads from a sequence number, exclusive and inclusive, from an offset, and from a time',
    'tracks what was enqueued last',
    'is the only reader of a partition with an owner level',
    'is told in its own exceptions what does not exist',
  ])('%s', (title) => {
    expect(results.get(title)).toEqual({});
  });
});
