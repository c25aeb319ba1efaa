import type { Clock } from '../shared/clock.js';
import { grouped } from './report.js';
import type { ImportProgress } from './run.js';
import { sumOf } from './tally.js';

export interface ProgressOutput {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const BAR_INTERVAL_MS = 100;
const LINE_INTERVAL_MS = 2_000;
const BAR_WIDTH = 24;
const CLEAR_LINE = '\r\u001b[2K';

export interface ProgressView {
  update(progress: ImportProgress): void;
  /** Clears the bar. */
  finish(): void;
}

/** Shows how far an import is: a bar that redraws itself on a terminal, and elsewhere a line every two seconds. */
export function createProgressView(clock: Clock, output: ProgressOutput): ProgressView {
  const intervalMs = output.isTTY ? BAR_INTERVAL_MS : LINE_INTERVAL_MS;
  let nextMs = clock.now() + intervalMs;
  let drawn = false;
  return {
    update(progress) {
      if (clock.now() < nextMs) return;
      nextMs = clock.now() + intervalMs;
      const text = describe(progress);
      if (!output.isTTY) output.write(`${text}\n`);
      else output.write(`${CLEAR_LINE}${`${bar(progress)}${text}`.slice(0, (output.columns ?? 80) - 1)}`);
      drawn = true;
    },
    finish() {
      if (drawn && output.isTTY) output.write(CLEAR_LINE);
    },
  };
}

function describe({ phase, unit, readBytes, totalBytes, tally }: ImportProgress): string {
  const percent = totalBytes ? `${Math.floor((100 * readBytes) / totalBytes)} % ` : '';
  if (phase === 'measuring') return `${percent}looking for the newest event`;
  const { lines, accepted, duplicate, dropped, rejected } = tally;
  return (
    `${percent}${grouped(lines)} ${unit}: ${grouped(accepted)} accepted, ${grouped(duplicate)} duplicate, ` +
    `${grouped(sumOf(dropped))} dropped, ${grouped(sumOf(rejected))} rejected`
  );
}

function bar({ readBytes, totalBytes }: ImportProgress): string {
  if (!totalBytes) return '';
  const filled = Math.round(BAR_WIDTH * Math.min(1, readBytes / totalBytes));
  return `[${'#'.repeat(filled)}${' '.repeat(BAR_WIDTH - filled)}] `;
}
