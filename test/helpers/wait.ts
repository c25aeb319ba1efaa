import { delay, systemClock } from '../../src/shared/clock.js';
import { messageOf } from '../../src/shared/errors.js';

const POLL_MS = 50;

/**
 * Waits until `probe` returns something other than undefined or false. A probe that throws is tried again. The limit
 * is only there so that a broken promise fails the test instead of hanging it.
 */
export async function waitFor<T>(
  what: string,
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  limitMs = 150_000,
): Promise<T> {
  const endMs = systemClock.now() + limitMs;
  let last = 'it stayed false';
  while (systemClock.now() < endMs) {
    try {
      const value = await probe();
      if (value !== undefined && value !== false) return value;
    } catch (error) {
      last = messageOf(error);
    }
    await delay(systemClock, POLL_MS);
  }
  throw new Error(`waited ${limitMs} ms for ${what}: ${last}`);
}
