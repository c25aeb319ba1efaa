import { expect, test } from 'vitest';
import { createRates } from '../../../src/gateway/policy/rates.js';

const ONE_A_SECOND = { eventsPerSecond: 1, burst: 1 };

test('a key without rates has nothing to ask', () => {
  expect(createRates({})).toBeUndefined();
});

test('one client that sends too much leaves the others their share', () => {
  const rates = createRates({ clientRate: ONE_A_SECOND });
  expect(rates?.take('203.0.113.7', 1, 0)).toBeUndefined();
  expect(rates?.take('203.0.113.7', 1, 0)).toMatchObject({ code: 'PS_RATE_LIMITED', retryAfterSeconds: 1 });
  expect(rates?.take('203.0.113.8', 1, 0)).toBeUndefined();
});

test('what the client is refused does not cost the key', () => {
  const rates = createRates({ rate: { eventsPerSecond: 1, burst: 2 }, clientRate: ONE_A_SECOND });
  expect(rates?.take('203.0.113.7', 1, 0)).toBeUndefined();
  expect(rates?.take('203.0.113.7', 1, 0)).toBeDefined();
  expect(rates?.take('203.0.113.8', 1, 0)).toBeUndefined();
});

test('all addresses of one /64 of IPv6 are one client', () => {
  const rates = createRates({ clientRate: ONE_A_SECOND });
  expect(rates?.take('2001:db8:1:2::1', 1, 0)).toBeUndefined();
  expect(rates?.take('2001:db8:1:2:ffff::9', 1, 0)).toBeDefined();
  expect(rates?.take('2001:db8:1:3::1', 1, 0)).toBeUndefined();
});

test('looking costs nothing', () => {
  const rates = createRates({ rate: ONE_A_SECOND });
  for (let times = 0; times < 3; times++) expect(rates?.look(undefined, 0)).toBeUndefined();
  expect(rates?.take(undefined, 1, 0)).toBeUndefined();
  expect(rates?.look(undefined, 0)).toBeDefined();
});
