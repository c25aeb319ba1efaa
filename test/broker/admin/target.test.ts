import { describe, expect, it } from 'vitest';
import { parseTarget } from '../../../src/broker/admin/target.js';

describe('a path of the management API', () => {
  it.each([
    ['/$namespaceinfo', { kind: 'namespace' }],
    ['/$Resources/Queues', { kind: 'queues' }],
    ['/$resources/topics/', { kind: 'topics' }],
    ['/events', { kind: 'entity', name: 'events' }],
    ['/a/b/c', { kind: 'entity', name: 'a/b/c' }],
    ['/events/Subscriptions/', { kind: 'subscriptions', topic: 'events' }],
    ['/a/b/subscriptions/s', { kind: 'subscription', topic: 'a/b', name: 's' }],
    ['/t/Subscriptions/s/Rules', { kind: 'rules', topic: 't', subscription: 's' }],
    ['/t/Subscriptions/s/rules/$Default', { kind: 'rule', topic: 't', subscription: 's', name: '$Default' }],
    ['/subscriptions', { kind: 'entity', name: 'subscriptions' }],
    ['/t%20x', { kind: 'entity', name: 't x' }],
  ])('%s names %j', (path, target) => {
    expect(parseTarget(path)).toEqual(target);
  });

  it('names nothing where there is nothing', () => {
    for (const path of ['/', '//', '/$Resources', '/$Resources/Hubs', '/$namespaceinfo/x', '/t/Subscriptions/s/x/y']) {
      expect([path, parseTarget(path)]).toEqual([path, undefined]);
    }
    expect(() => parseTarget('/%zz')).toThrowError(expect.objectContaining({ code: 'PS_ADMIN_BAD_REQUEST' }));
  });
});
