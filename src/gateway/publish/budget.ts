import type { Clock } from '../../shared/clock.js';
import { createDrainRate } from '../drain-rate.js';

/** A body up to this size is small: it takes of the budget what has come of it, and no more. */
const SMALL_BODY_BYTES = 64 * 1024;
/** What bodies that are not small may take of the budget together, so that a few that never end leave room for the rest. */
const LARGE_BODIES_SHARE = 0.5;

/** What one request holds of the budget while its body is read, decompressed and parsed. */
export interface Hold {
  /** For a body that will have so many bytes: holds them at once when they are many, else only looks for room. */
  claim(bytes: number): boolean;
  /** Holds so many bytes in all, if it does not yet. False when there is no room: then it holds what it held before. */
  cover(bytes: number): boolean;
  /** Whether it holds so many bytes already. */
  covers(bytes: number): boolean;
  /** Gives back everything. Idempotent. */
  release(): void;
}

/** Of a request without a body. */
export const HOLDS_NOTHING: Hold = { claim: () => true, cover: () => true, covers: () => true, release: () => {} };

/**
 * Bounds the bytes that the gateway holds in memory: bodies that are on their way in, and events that wait for the brokers.
 * Knows how fast they drain.
 */
export function createBudget(clock: Clock, limitBytes: number) {
  let pendingBytes = 0;
  /** The part of it that is held for bodies that are not small. */
  let largeBytes = 0;
  const rate = createDrainRate(clock);

  /** Takes bytes. What nothing else waits beside always fits: it could never be taken otherwise. */
  const reserve = (bytes: number, beside = pendingBytes): boolean => {
    if (beside > 0 && pendingBytes + bytes > limitBytes) return false;
    if (pendingBytes === 0) rate.restart();
    pendingBytes += bytes;
    return true;
  };

  const release = (bytes: number) => {
    pendingBytes -= bytes;
    rate.drained(bytes);
  };

  const largeOf = (bytes: number) => (bytes > SMALL_BODY_BYTES ? bytes : 0);

  /** What one request holds of all this. A class, since every request has one. */
  class RequestHold implements Hold {
    #held = 0;

    claim(bytes: number): boolean {
      if (largeOf(bytes) > 0) return this.cover(bytes);
      return pendingBytes === 0 || pendingBytes + bytes <= limitBytes;
    }

    cover(bytes: number): boolean {
      const held = this.#held;
      if (bytes <= held) return true;
      const othersLarge = largeBytes - largeOf(held);
      const large = othersLarge + largeOf(bytes);
      if (othersLarge > 0 && large > largeBytes && large > limitBytes * LARGE_BODIES_SHARE) return false;
      if (!reserve(bytes - held, pendingBytes - held)) return false;
      largeBytes = large;
      this.#held = bytes;
      return true;
    }

    covers(bytes: number): boolean {
      return bytes <= this.#held;
    }

    release(): void {
      if (this.#held === 0) return;
      largeBytes -= largeOf(this.#held);
      release(this.#held);
      this.#held = 0;
    }
  }

  return {
    /** Takes the bytes of a request's events. */
    reserve: (bytes: number): boolean => reserve(bytes),
    release,
    openHold: (): Hold => new RequestHold(),
    pendingBytes: () => pendingBytes,
    /** Seconds until what waits now will have drained, by the rate of the last second. */
    retryAfterSeconds: (): number => rate.secondsFor(pendingBytes),
  };
}

export type Budget = ReturnType<typeof createBudget>;
