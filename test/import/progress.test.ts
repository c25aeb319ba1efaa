import { describe, expect, it } from 'vitest';
import { createProgressView } from '../../src/import/index.js';
import { createTally } from '../../src/import/tally.js';
import { createManualClock } from '../helpers/manual-clock.js';

function start(isTTY: boolean, columns = 120) {
  const clock = createManualClock();
  const written: string[] = [];
  const view = createProgressView(clock, { isTTY, columns, write: (text) => written.push(text) });
  const tally = createTally();
  tally.count(1, { kind: 'accepted' });
  tally.count(2, { kind: 'dropped', reason: 'bot' });
  const progress = { phase: 'posting' as const, readBytes: 50, totalBytes: 100, unit: 'lines', tally: tally.current };
  return { clock, written, view, progress };
}

describe('progress', () => {
  it('is a line every two seconds where there is no terminal', () => {
    const { clock, written, view, progress } = start(false);
    for (let step = 0; step < 50; step++) {
      clock.advance(100);
      view.update(progress);
    }
    view.finish();
    expect(written).toEqual(Array(2).fill('50 % 2 lines: 1 accepted, 0 duplicate, 1 dropped, 0 rejected\n'));
  });

  it('is a bar that redraws itself on a terminal and is cleared at the end', () => {
    const { clock, written, view, progress } = start(true);
    clock.advance(100);
    view.update(progress);
    view.finish();
    expect(written[0]).toContain(`[${'#'.repeat(12)}${' '.repeat(12)}] 50 %`);
    expect(written.at(-1)).toBe('\r\u001b[2K');
  });

  it('never is wider than the terminal', () => {
    const { clock, written, view, progress } = start(true, 20);
    clock.advance(100);
    view.update(progress);
    expect(written[0]?.replace('\r\u001b[2K', '')).toHaveLength(19);
  });

  it('tells the first pass of a shift', () => {
    const { clock, written, view, progress } = start(false);
    clock.advance(2000);
    view.update({ ...progress, phase: 'measuring' });
    expect(written).toEqual(['50 % looking for the newest event\n']);
  });
});
