import type { TopicPublisher } from '../../messaging/index.js';
import { PublishError } from '../../messaging/index.js';
import { backoffMs } from '../../shared/backoff.js';
import type { CancelTimer, Clock } from '../../shared/clock.js';
import { messageOf } from '../../shared/errors.js';
import type { Logger } from '../../shared/logger.js';
import type { Outbox } from './outbox.js';
import type { WaitingOffer } from './saved.js';

export interface OfferSenderDeps {
  readonly partitionId: string;
  readonly outbox: Outbox;
  readonly topic: Pick<TopicPublisher, 'send'>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
}

/** Brings the offers of a partition to the topic. Nothing waits for it: figures go on while the topic is away. */
export interface OfferSender {
  /** There may be something to send. */
  kick(): void;
  /** Calls back when other offers wait than before, or some were given up. */
  onChange(callback: () => void): void;
  /** How many were given up by this sender. */
  readonly givenUp: number;
  /** Sends no more. What is in flight then is in the outbox still, for whoever has the partition next. */
  close(): void;
}

/**
 * An offer is sent until this long after the event that led to it. Windows are of 4 hours at the most, so messages with
 * one id are sent within 10 hours and 5 minutes of each other (5: what an event's time may be ahead), and the topic
 * detects duplicates over 13. An hours-old offer is of no use anyway, and history that is counted anew makes none.
 */
export const OFFER_LIFETIME_MS = 6 * 3_600_000;
const OFFERS_AT_ONCE = 100;
const BACKOFF = { firstDelayMs: 500, maxDelayMs: 30_000 };

export function createOfferSender(deps: OfferSenderDeps): OfferSender {
  const { partitionId, outbox, clock, logger } = deps;
  let closed = false;
  let sending = false;
  let failures = 0;
  let cancelRetry: CancelTimer | undefined;
  let toldOverflow = 0;
  /** Fewer while the topic refuses more for their size together. */
  let atOnce = OFFERS_AT_ONCE;
  let givenUp = 0;
  let changed = () => {};

  const giveUp = (offers: readonly WaitingOffer[], why: string) => {
    if (offers.length === 0) return;
    outbox.remove(offers);
    givenUp += offers.length;
    logger.warn({ partitionId, offers: offers.length }, `offers are given up: ${why}`);
  };
  const tellOverflow = () => {
    const offers = outbox.overflowed - toldOverflow;
    toldOverflow = outbox.overflowed;
    if (offers > 0) logger.warn({ partitionId, offers }, 'offers are given up: too many wait for the topic');
  };
  const sendFirst = async (): Promise<void> => {
    const first = outbox.peek(atOnce);
    const old = first.filter(({ timeMs }) => clock.now() - timeMs > OFFER_LIFETIME_MS);
    giveUp(old, 'their time is over');
    const offers = first.filter((offer) => !old.includes(offer));
    if (offers.length === 0) return;
    try {
      const count = await deps.topic.send(offers.map(({ message }) => message));
      outbox.remove(offers.slice(0, count));
      atOnce = Math.min(OFFERS_AT_ONCE, 2 * atOnce);
    } catch (error) {
      if (!(error instanceof PublishError) || error.code !== 'PS_PUBLISH_TOO_LARGE') throw error;
      // A topic may take larger messages than batches: only of one that was sent alone it is known that it is too large.
      if (offers.length === 1) giveUp(offers, 'the topic does not take their size');
      else atOnce = Math.ceil(offers.length / 2);
    }
  };
  const sendAll = async () => {
    while (!closed && outbox.size > 0) {
      tellOverflow();
      await sendFirst();
      failures = 0;
      changed();
    }
  };
  const kick = () => {
    if (closed || sending || cancelRetry !== undefined || outbox.size === 0) return;
    sending = true;
    sendAll()
      .catch((error: unknown) => {
        if (closed) return;
        const waitMs = backoffMs(failures++, BACKOFF, deps.random);
        logger.warn({ partitionId, waiting: outbox.size, err: messageOf(error) }, 'offers wait for the topic');
        cancelRetry = clock.setTimer(() => {
          cancelRetry = undefined;
          kick();
        }, waitMs);
      })
      .finally(() => {
        sending = false;
        // What was added in the moment between.
        kick();
      });
  };
  return {
    kick,
    onChange(callback) {
      changed = callback;
    },
    get givenUp() {
      return givenUp + outbox.overflowed;
    },
    close() {
      closed = true;
      cancelRetry?.();
    },
  };
}
