import { expect, it } from 'vitest';
import { abuseWorkers } from './gateway/workers.js';

it('a worker that is stopped and killed under hostile requests costs no accepted event, and nobody more than one wait', async () => {
  const result = await abuseWorkers({ rounds: 2, seed: 20_261 });
  expect(result.violations).toEqual([]);
  // Without orders, and requests that were broken off, nothing would be proved.
  expect(result.orders).toBeGreaterThan(0);
  expect(result.unanswered).toBeGreaterThan(0);
});
