import { ImportError } from './errors.js';

/** Says when an event may be sent, in milliseconds after the first one. */
export type Pacer = (sentBefore: number, timeMs: number) => number;

/** As fast as the gateway answers, at a rate, or with the gaps of the file divided by `speed`. */
export interface Pace {
  /** Events a second. */
  readonly rate?: number;
  /** 1 is the speed at which it happened. */
  readonly speed?: number;
}

/** @throws ImportError PS_IMPORT_OPTIONS when both are given. */
export function createPacer(pace: Pace): Pacer {
  const { rate, speed } = pace;
  if (rate !== undefined && speed !== undefined) {
    throw new ImportError('PS_IMPORT_OPTIONS', '--rate and --speed contradict each other: give one of them');
  }
  if (rate !== undefined) return (sentBefore) => (sentBefore * 1000) / rate;
  if (speed === undefined) return () => 0;
  // Logs are written when a request ends, so times go a little to and fro: the newest time so far is the file's clock.
  let firstMs: number | undefined;
  let newestMs = Number.NEGATIVE_INFINITY;
  return (_, timeMs) => {
    firstMs ??= timeMs;
    newestMs = Math.max(newestMs, timeMs);
    return (newestMs - firstMs) / speed;
  };
}
