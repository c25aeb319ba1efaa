import { expect, it } from 'vitest';
import { abuseGateway } from './gateway/run.js';

it('thousands of hostile requests leave the gateway up, with an answer of its kind for each, beside a client that loses nothing', async () => {
  const result = await abuseGateway({ requests: 6000, seed: 20_261 });
  expect(result.violations).toEqual([]);
  // Without answers of many kinds nothing would be proved. These are those of more than one request in a hundred: others
  // come or not, as the connections take turns.
  expect(result.requests).toBeGreaterThanOrEqual(6000 * 0.9);
  expect(Object.keys(result.statuses)).toEqual(
    expect.arrayContaining(['200', '400', '401', '404', '405', '415', '431']),
  );
  expect(result.steady.accepted).toBeGreaterThan(0);
});
