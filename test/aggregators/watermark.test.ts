import { expect, test } from 'vitest';
import { createWatermark } from '../../src/aggregators/watermark.js';

test('an event exactly as late as allowed is in time, one millisecond later is not', () => {
  const watermark = createWatermark(1_000);
  expect(watermark.observe(10_000)).toBe(true);
  expect(watermark.observe(9_000)).toBe(true);
  expect(watermark.observe(8_999)).toBe(false);
});

test('an older event does not move the watermark back', () => {
  const watermark = createWatermark(1_000);
  watermark.observe(10_000);
  watermark.observe(9_500);
  expect(watermark.timeMs).toBe(10_000);
});

test('the horizon is the start of the oldest pane that an event in time can still fall into', () => {
  const watermark = createWatermark(90_000, 300_000);
  expect(watermark.horizonMs(60_000)).toBe(180_000);
});

test('before the first event nothing is late', () => {
  expect(createWatermark(0).observe(0)).toBe(true);
});
