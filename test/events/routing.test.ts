import { describe, expect, it } from 'vitest';
import { createRouter } from '../../src/events/index.js';
import { configSchema } from '../../src/shared/config/index.js';

const rule = (type: string, to: string) => ({ match: { type }, to });

describe('routing', () => {
  it('by default what is worth money goes to the topic and everything else to the hub', () => {
    const router = createRouter(configSchema.parse({}).gateway.routes);
    for (const type of ['purchase', 'refund', 'generate_lead', 'sign_up', 'churn_scored']) {
      expect(router.route(type)).toEqual({ kind: 'topic', name: 'events' });
    }
    expect(router.route('page_view')).toEqual({ kind: 'hub', name: 'clicks' });
    expect(router.destinations).toHaveLength(2);
  });

  it('the first rule that matches wins', () => {
    const router = createRouter([
      rule('a', 'hub:one'),
      rule('a', 'hub:two'),
      rule('*', 'hub:three'),
      rule('b', 'topic:four'),
    ]);
    expect(router.route('a')?.name).toBe('one');
    expect(router.route('b')?.name).toBe('three');
  });

  it('a type that no rule matches has no destination', () => {
    expect(createRouter([rule('a', 'hub:one')]).route('b')).toBeUndefined();
  });
});
