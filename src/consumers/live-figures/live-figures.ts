import { type PenstockEvent, parseEvent } from '../../events/index.js';
import type { HubPublisher, MessageVerdict, ReceivedMessage } from '../../messaging/index.js';
import { type BackoffOptions, backoffMs } from '../../shared/backoff.js';
import { type Clock, delay } from '../../shared/clock.js';
import { messageOf } from '../../shared/errors.js';
import type { Logger } from '../../shared/logger.js';
import { partitionForKey } from '../../shared/partition-hash.js';
import type { Consumer } from '../consumer.js';

export interface LiveFiguresDeps {
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  readonly hub: Pick<HubPublisher, 'describe' | 'send' | 'close'>;
}

/** Longer with each delivery, so that the maximum number of deliveries covers minutes of an outage of the hub. */
const BACKOFF: BackoffOptions = { firstDelayMs: 1_000, maxDelayMs: 60_000 };
/** The message is given back this long before its lock ends. */
const LOCK_MARGIN_MS = 2_000;

/**
 * Copies what went to the topic and belongs into the live figures, such as purchases, to the hub, into the partition of
 * its visitor. A message is completed when the hub has its event; what fails between the two sends it again, and the
 * aggregators know it by its MessageId, which it carries as `messageid`.
 */
export function createLiveFigures(deps: LiveFiguresDeps): Consumer {
  const { clock, hub, logger } = deps;
  const stopping = new AbortController();
  let partitionCount: Promise<number> | undefined;

  /** Asked once; after a failure, also of a send, again. */
  const partitions = (): Promise<number> => {
    partitionCount ??= hub.describe().then((facts) => facts.partitionCount);
    partitionCount.catch(() => {
      partitionCount = undefined;
    });
    return partitionCount;
  };
  const later = async (message: ReceivedMessage, why: string): Promise<MessageVerdict> => {
    logger.warn({ messageId: message.messageId, why }, 'hub: trying later');
    const ceilingMs = Math.max(0, message.lockedUntilMs - LOCK_MARGIN_MS - clock.now());
    const waitMs = backoffMs(message.deliveryCount, BACKOFF, deps.random);
    await delay(clock, Math.min(waitMs, ceilingMs), stopping.signal);
    return { outcome: 'abandon' };
  };

  return {
    concurrency: 32,
    async handle(message) {
      let event: PenstockEvent;
      try {
        event = parseEvent(message.body);
      } catch (error) {
        return { outcome: 'dead-letter', reason: 'NoEvent', description: messageOf(error) };
      }
      try {
        const key = event.data.anonymousId ?? event.data.userId ?? event.id;
        const pack = Buffer.from(JSON.stringify([{ ...event, messageid: message.messageId }]));
        await hub.send(partitionForKey(key, await partitions()), [pack]);
        return { outcome: 'complete' };
      } catch (error) {
        // A hub that was made anew may have fewer.
        partitionCount = undefined;
        return later(message, messageOf(error));
      }
    },
    abort: () => stopping.abort(),
    close: () => hub.close(),
  };
}
