import { expect, it } from 'vitest';
import { shareOf, shareToDrain } from '../../../src/cli/gateway/share.js';
import { configSchema } from '../../../src/shared/config/index.js';

const options = configSchema.parse({}).gateway;

it('what workers have together is no more than was configured for the gateway', () => {
  for (const workers of [1, 2, 3, 7, 8]) {
    const { limits, spool, http, recall } = shareOf(options, workers);
    expect(limits.pendingBytes * workers).toBeLessThanOrEqual(options.limits.pendingBytes);
    expect(spool.bytes * workers).toBeLessThanOrEqual(options.spool.bytes);
    expect(http.connections * workers).toBeLessThanOrEqual(options.http.connections);
    expect(recall.events * workers).toBeLessThanOrEqual(options.recall.events);
    // Every one of them knows every id.
    expect(recall.ids).toBe(options.recall.ids);
  }
});

it('one process has everything, however little that is', () => {
  const little = { ...options, limits: { ...options.limits, pendingBytes: 1 }, spool: { ...options.spool, bytes: 0 } };
  expect(shareOf(options, 1)).toEqual(options);
  expect(shareOf(little, 1)).toEqual(little);
});

it('more workers than there is memory for the largest body are refused, by the names of all three', () => {
  expect(() => shareOf(options, 9)).toThrow(
    /gateway\.limits\.pendingBytes.*gateway\.workers \(9\).*gateway\.limits\.bodyBytes/,
  );
});

it('what only empties a spool has one to empty, also where nothing is put into a spool any more', () => {
  const without = { ...options, spool: { ...options.spool, bytes: 0 } };
  expect(shareToDrain(without).spool.bytes).toBeGreaterThan(0);
  expect(shareToDrain(options)).toEqual(options);
});
