import type { MessageVerdict, ReceivedMessage } from '../messaging/index.js';
import { type BackoffOptions, backoffMs } from '../shared/backoff.js';
import { type Clock, delay } from '../shared/clock.js';
import { messageOf, PenstockError } from '../shared/errors.js';
import type { Logger } from '../shared/logger.js';

export interface GiveBackDeps {
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
}

/** Longer with each delivery, so that the maximum number of deliveries covers minutes of an outage, not one second. */
const BACKOFF: BackoffOptions = { firstDelayMs: 1_000, maxDelayMs: 60_000 };
/** The message is given back this long before its lock ends. */
const LOCK_MARGIN_MS = 2_000;

/** How long a message may still be dealt with. */
export const handlingMsOf = ({ lockedUntilMs }: ReceivedMessage, clock: Clock): number =>
  Math.max(0, lockedUntilMs - LOCK_MARGIN_MS - clock.now());

/** Gives messages back that cannot be dealt with for now, each after a wait. `what`: what is in the way. */
export function createGiveBack({ clock, random, logger }: GiveBackDeps, what: string, backoff = BACKOFF) {
  const stopping = new AbortController();
  return {
    async later(message: ReceivedMessage, error: unknown): Promise<MessageVerdict> {
      const code = error instanceof PenstockError ? error.code : undefined;
      const { messageId, deliveryCount } = message;
      logger.warn({ messageId, deliveryCount, code, why: messageOf(error) }, `${what}: trying later`);
      // Never at once, whatever chance says.
      const waitMs = backoff.firstDelayMs / 2 + backoffMs(deliveryCount, backoff, random);
      await delay(clock, Math.min(waitMs, handlingMsOf(message, clock)), stopping.signal);
      return { outcome: 'abandon' };
    },
    /** Ends all waits. */
    abort: () => stopping.abort(),
    stopping: stopping.signal,
  };
}
