import { expect, test } from 'vitest';
import { replayTimes } from '../../src/cli/replay-times.js';

const NOW = Date.UTC(2026, 5, 1);
const DAY = Date.UTC(2026, 0, 1);
const HOUR = 3_600_000;
const times = (flags: Parameters<typeof replayTimes>[0], inSeconds = false) => replayTimes(flags, inSeconds, NOW);

test('times are read with their zone, dates from midnight UTC, and "earliest" is all there is', () => {
  expect(times({ from: '2026-01-01', to: '2026-01-01T04:30:00+01:00' })).toEqual({
    bounds: { fromMs: DAY, toMs: DAY + 3.5 * HOUR },
    asOfMs: undefined,
  });
  expect(times({ from: 'earliest' }).bounds).toEqual({ fromMs: 0, toMs: Number.POSITIVE_INFINITY });
});

test('figures are for --as-of, else for --to, else for now', () => {
  const figures = { from: '2026-01-01', figures: true } as const;
  expect(times(figures).asOfMs).toBe(NOW);
  expect(times({ ...figures, to: '2026-01-02' }).asOfMs).toBe(DAY + 24 * HOUR);
  expect(times({ ...figures, to: '2026-01-02', asOf: '2026-01-01T12:00:00Z' }).asOfMs).toBe(DAY + 12 * HOUR);
});

test('of figures as of a time nothing is read that came after it, however far --to reaches', () => {
  const figures = { from: '2026-01-01', figures: true, asOf: '2026-01-01T12:00:00.250Z' } as const;
  const toMs = DAY + 12 * HOUR + 250;
  expect(times({ ...figures, to: '2026-01-03' }).bounds.toMs).toBe(toMs);
  expect(times(figures).bounds.toMs).toBe(toMs);
  expect(times({ ...figures, to: '2026-01-01T06:00:00Z' }).bounds.toMs).toBe(DAY + 6 * HOUR);
  expect(times(figures, true)).toEqual({ bounds: { fromMs: DAY, toMs: DAY + 12 * HOUR + 1_000 }, asOfMs: toMs });
});

test.each([
  [{ from: 'yesterday' }, '--from yesterday'],
  [{ from: '2026-02-30' }, '--from 2026-02-30'],
  [{ from: '2026-13-01' }, '--from 2026-13-01'],
  [{ from: '2026-01-01T10:00:00' }, '--from 2026-01-01T10:00:00'],
  [{ from: '2026-01-01', to: '2026-04-31T10:00:00Z' }, '--to 2026-04-31T10:00:00Z'],
  [{ from: '2026-01-01', to: '2026-01-02T10:00:00+99:00' }, '--to 2026-01-02'],
  [{ from: '2026-01-02', to: '2026-01-01' }, '--to must be after --from'],
  [{ from: '2026-01-02', asOf: '2026-01-03' }, '--as-of is for --figures'],
  [{ from: '2026-01-02', asOf: 'now', figures: true }, '--as-of now'],
  [{ from: '2026-01-02', asOf: '2026-01-01', figures: true }, '--as-of must be after --from'],
] as const)('%j is refused, and what is wrong is named', (flags, message) => {
  const refused = expect.objectContaining({ code: 'PS_REPLAY_INVALID', message: expect.stringContaining(message) });
  expect(() => times(flags)).toThrow(refused);
});

test('from files of Capture bounds are whole seconds', () => {
  expect(() => times({ from: '2026-01-01T00:00:00.5Z' }, true)).toThrow('whole seconds');
  expect(times({ from: '2024-02-29T00:00:00Z' }, true).bounds.fromMs).toBe(Date.UTC(2024, 1, 29));
});
