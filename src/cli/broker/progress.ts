import { systemClock } from '../../shared/clock.js';

const INTERVAL_MS = 1_000;

/** Says on standard error how far it is, at most once a second. */
export function createProgress(suffix: string): (text: string) => void {
  let nextMs = systemClock.now() + INTERVAL_MS;
  return (text) => {
    if (systemClock.now() < nextMs) return;
    nextMs = systemClock.now() + INTERVAL_MS;
    process.stderr.write(`${text} ${suffix}\n`);
  };
}
