import { expect, it } from 'vitest';
import { messagesOnly, parsePlace } from '../../../src/cli/broker/place.js';
import { brokerStatus, queueStatus } from '../../broker/status/status.js';

const partition = (id: string) => ({
  id,
  firstSequence: 0,
  lastSequence: -1,
  lastEnqueuedAt: null,
  events: 0,
  readers: [],
});
const known = brokerStatus({
  queues: [queueStatus('orders'), queueStatus('shop/orders')],
  topics: [{ name: 'shop/events', status: 'Active', scheduled: 0, subscriptions: [queueStatus('audit')] }],
  hubs: [{ name: 'clicks', retentionMs: 1, consumerGroups: [], partitions: [partition('0'), partition('1')] }],
});

it.each([
  ['orders', { kind: 'messages', source: { queue: 'orders' } }],
  ['Shop/Orders', { kind: 'messages', source: { queue: 'Shop/Orders' } }],
  ['shop/events/audit', { kind: 'messages', source: { topic: 'shop/events', subscription: 'audit' } }],
  ['shop/events/Subscriptions/audit', { kind: 'messages', source: { topic: 'shop/events', subscription: 'audit' } }],
  ['clicks/1', { kind: 'partition', hub: 'clicks', partitionId: '1' }],
  ['clicks/Partitions/1', { kind: 'partition', hub: 'clicks', partitionId: '1' }],
])('%s is found among what is there', (text, place) => {
  expect(parsePlace(text, known)).toEqual(place);
});

it.each([
  ['nowhere', 'there is no queue, subscription or hub named nowhere'],
  ['shop/events', 'name one of the subscriptions of the topic shop/events: shop/events/audit'],
  ['shop/events/nobody', 'name one of the subscriptions'],
  ['clicks', 'name a partition of the hub clicks: clicks/0 to clicks/1'],
  ['clicks/7', 'name a partition'],
])('%s is refused with what could be meant', (text, message) => {
  expect(() => parsePlace(text, known)).toThrow(message);
});

it('a name is taken as it is written where nobody says what is there', () => {
  expect(parsePlace('orders')).toEqual({ kind: 'messages', source: { queue: 'orders' } });
  expect(parsePlace('events/audit')).toEqual({ kind: 'messages', source: { topic: 'events', subscription: 'audit' } });
  expect(parsePlace('clicks/Partitions/0')).toEqual({ kind: 'partition', hub: 'clicks', partitionId: '0' });
});

it('nothing is taken out of a hub', () => {
  expect(() => messagesOnly(parsePlace('clicks/0', known))).toThrow('event hub');
});
