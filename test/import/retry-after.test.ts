import { describe, expect, it } from 'vitest';
import { retryAfterMs } from '../../src/import/retry-after.js';

const NOW = Date.UTC(2026, 0, 1);

describe('Retry-After', () => {
  it.each([
    [null, undefined],
    ['0', 0],
    [' 3 ', 3000],
    ['999999', 60_000],
    [new Date(NOW + 2000).toUTCString(), 2000],
    [new Date(NOW - 2000).toUTCString(), 0],
    ['soon', undefined],
    ['-1x', undefined],
  ])('%s: wait %s ms', (header, expected) => {
    expect(retryAfterMs(header, NOW, 60_000)).toBe(expected);
  });
});
