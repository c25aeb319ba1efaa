import { appendFileSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runSchedule, type ScheduleResult } from './schedule.js';

export interface GatewayCrashOptions {
  readonly dataDir: string;
  readonly times: number;
  readonly seed: number;
  /** Told of each schedule. */
  readonly progress?: (text: string) => void;
}

export interface GatewayCrashResult extends Omit<ScheduleResult, 'violations'> {
  readonly schedules: number;
  /** What was promised and not kept, with the seed that draws the schedule again. */
  readonly violations: readonly string[];
}

/** Runs random schedules one after the other, each with new data. Keeps the data of those that find something. */
export async function runGatewayCrashes(options: GatewayCrashOptions): Promise<GatewayCrashResult> {
  const { times, seed, progress } = options;
  const results: ScheduleResult[] = [];
  const violations: string[] = [];
  for (let schedule = 0; schedule < times; schedule++) {
    const own = seed + schedule;
    const dataDir = join(options.dataDir, `seed-${own}`);
    mkdirSync(dataDir, { recursive: true });
    const startMs = performance.now();
    let isOver = false;
    const log = (part: string, text: string) => {
      // A worker whose gateway was killed ends a moment after it, when the folder may be gone.
      if (!isOver)
        appendFileSync(join(dataDir, 'log.txt'), `${Math.round(performance.now() - startMs)} ${part}: ${text}`);
    };
    const result = await runSchedule({ dataDir, seed: own, log });
    isOver = true;
    results.push(result);
    violations.push(...result.violations.map((text) => `seed ${own}: ${text}`));
    if (result.violations.length === 0) rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
    const { disturbances: _, violations: found, ...figures } = result;
    const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
    progress?.(`seed ${own}, ${seconds} s: ${JSON.stringify(figures)}`);
    for (const violation of found) progress?.(`NOT KEPT ${violation}`);
  }
  return { schedules: times, ...sumOf(results), violations };
}

function sumOf(results: readonly ScheduleResult[]): Omit<ScheduleResult, 'violations'> {
  const sum = (key: Exclude<keyof ScheduleResult, 'violations' | 'disturbances'>) =>
    results.reduce((total, result) => total + result[key], 0);
  const disturbances: Record<string, number> = {};
  for (const [what, count] of results.flatMap((result) => Object.entries(result.disturbances)))
    disturbances[what] = (disturbances[what] ?? 0) + count;
  return {
    orders: sum('orders'),
    views: sum('views'),
    rejected: sum('rejected'),
    unanswered: sum('unanswered'),
    repeatedViews: sum('repeatedViews'),
    refused: sum('refused'),
    spooled: sum('spooled'),
    disturbances,
  };
}
