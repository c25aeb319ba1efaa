import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { queue, startTestBroker, subscription, type TestBroker, topic } from '../../helpers/broker.js';
import { type ClientResults, runClient } from './clients.js';

let broker: TestBroker;
let results: ClientResults;
beforeAll(async () => {
  const red = { name: 'red', filter: { kind: 'sql', expression: "colour = 'red'" } } as const;
  broker = await startTestBroker({
    queues: [
      ...['sent', 'settled', 'scheduled', 'deleted', 'refused', 'web'].map((use) => queue(`python-${use}`)),
      queue('python-sessions', { requiresSession: true }),
      queue('python-short', { lockDurationMs: 5000 }),
    ],
    topics: [topic('python-topic', { subscriptions: [subscription('all'), subscription('red', { rules: [red] })] })],
    hubs: [],
  });
  results = await runClient('servicebus_checks.py', broker);
}, 400_000);
afterAll(() => broker.remove());

describe("Azure's SDK for Service Bus, in Python", () => {
  it.each([
    'sends one, several and a batch, and receives and completes them',
    'abandons, defers, receives what is deferred, dead-letters and renews locks',
    'schedules, cancels and peeks',
    'receives and deletes',
    'accepts a session by its id and the next one, keeps state, and renews the lock',
    'is told that a session is held by another',
    'receives from subscriptions what their rules let through',
    'keeps locks alive with a renewer',
    'is told in its own exceptions what does not exist, is too large, or may not be',
    'goes over WebSockets',
    'administers queues, topics, subscriptions and rules',
  ])('%s', (title) => {
    expect(results.get(title)).toEqual({});
  });
});
