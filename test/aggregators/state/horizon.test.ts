import fc from 'fast-check';
import { expect, test } from 'vitest';
import { descriptions } from '../../../src/aggregators/metrics/index.js';
import { createHorizon } from '../../../src/aggregators/state/horizon.js';
import { shownPanes } from '../../../src/shared/live-catalogue.js';

const HOUR_MS = 3_600_000;
const moment = fc.nat(48).map((halfHours) => Date.UTC(2026, 0, 1) + (halfHours * HOUR_MS) / 2);

test('it moves forward alone, and says whether it moved', () => {
  fc.assert(
    fc.property(fc.array(moment), (moments) => {
      const horizon = createHorizon(HOUR_MS);
      let newest = Number.NEGATIVE_INFINITY;
      for (const ms of moments) {
        expect(horizon.moveTo(ms)).toBe(ms > newest);
        newest = Math.max(newest, ms);
        expect(horizon.ms).toBe(newest);
        expect(horizon.oldestReadableMs).toBeLessThan(newest);
      }
    }),
  );
});

test('of every metric the panes are kept that may change, and that the live figures show at the watermark', () => {
  fc.assert(
    fc.property(moment, fc.integer({ min: 1, max: 6 }), fc.constantFrom(...descriptions), (ms, hours, metric) => {
      const horizon = createHorizon(hours * HOUR_MS);
      horizon.moveTo(ms);
      const watermarkMs = ms + hours * HOUR_MS;
      const keptFromMs = horizon.keptFromMs(metric);
      expect(keptFromMs).toBeLessThanOrEqual(ms);
      expect(keptFromMs).toBeLessThanOrEqual(watermarkMs - shownPanes(metric) * metric.paneMs);
      expect(keptFromMs % metric.paneMs).toBe(0);
    }),
  );
});

test('before the first event everything is kept', () => {
  const horizon = createHorizon(HOUR_MS);
  for (const metric of descriptions) expect(horizon.keptFromMs(metric)).toBe(Number.NEGATIVE_INFINITY);
});
