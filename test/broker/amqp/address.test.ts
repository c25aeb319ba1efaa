import { describe, expect, it } from 'vitest';
import { parseAddress, pathOf } from '../../../src/broker/amqp/address.js';

describe('a link address', () => {
  it.each([
    ['$cbs', { kind: 'cbs' }],
    ['$management', { kind: 'management', entity: undefined }],
    ['events', { kind: 'named', name: 'events', deadLetters: false }],
    ['a/b', { kind: 'named', name: 'a/b', deadLetters: false }],
    ['orders/$Transfer/$DeadLetterQueue', { kind: 'named', name: 'orders', deadLetters: true, transfer: true }],
    ['orders/$DeadLetterQueue', { kind: 'named', name: 'orders', deadLetters: true }],
    ['events/Subscriptions/Audit', { kind: 'subscription', topic: 'events', name: 'Audit', deadLetters: false }],
    [
      'events/subscriptions/audit/$deadletterqueue',
      { kind: 'subscription', topic: 'events', name: 'audit', deadLetters: true },
    ],
    ['clicks/Partitions/3', { kind: 'partition', hub: 'clicks', partitionId: '3' }],
    [
      'clicks/ConsumerGroups/$Default/Partitions/0',
      { kind: 'consumer', hub: 'clicks', consumerGroup: '$Default', partitionId: '0' },
    ],
    ['clicks/$management', { kind: 'management', entity: { kind: 'named', name: 'clicks', deadLetters: false } }],
    [
      'events/Subscriptions/audit/$DeadLetterQueue/$management',
      { kind: 'management', entity: { kind: 'subscription', topic: 'events', name: 'audit', deadLetters: true } },
    ],
    ['amqps://localhost:5672/clicks', { kind: 'named', name: 'clicks', deadLetters: false }],
  ])('%s is understood', (address, expected) => {
    expect(parseAddress(address)).toEqual(expected);
  });

  it.each(['', '/', 'a//b'])('%j names nothing', (address) => {
    expect(parseAddress(address)).toBeUndefined();
  });

  it('is read in no time, whatever a stranger makes of it', { timeout: 5_000 }, () => {
    const slashes = '/'.repeat(1_000_000);
    expect(pathOf(`a${slashes}b`)).toBe(`a${slashes}b`);
    expect(pathOf(`${slashes}a${slashes}`)).toBe('a');
    expect(parseAddress(`a${slashes}b`)).toBeUndefined();
  });

  it('loses scheme, host and outer slashes of a URL', () => {
    expect(pathOf('sb://localhost:5672/events/Subscriptions/audit/')).toBe('events/Subscriptions/audit');
  });
});
