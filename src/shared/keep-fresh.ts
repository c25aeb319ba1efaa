import type { Clock } from './clock.js';

/**
 * `read`, asked once in `freshMs` however many ask: they share the one that is under way, and then what it found. One that
 * fails is not kept.
 */
export function keepFresh<T>(clock: Pick<Clock, 'now'>, freshMs: number, read: () => Promise<T>): () => Promise<T> {
  let reading: Promise<T> | undefined;
  let kept: { readonly value: T; readonly atMs: number } | undefined;
  const readOnce = async () => {
    try {
      const value = await read();
      kept = { value, atMs: clock.now() };
      return value;
    } finally {
      reading = undefined;
    }
  };
  return () => {
    // The distance in either direction: a clock that is set back must not make it last.
    if (kept !== undefined && Math.abs(clock.now() - kept.atMs) < freshMs) return Promise.resolve(kept.value);
    reading ??= readOnce();
    return reading;
  };
}
