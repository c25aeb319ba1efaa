import type { MessageVerdict, ReceivedMessage } from '../../messaging/index.js';
import { type BackoffOptions, backoffMs } from '../../shared/backoff.js';
import { type Clock, delay } from '../../shared/clock.js';
import { messageOf } from '../../shared/errors.js';
import type { Logger } from '../../shared/logger.js';
import type { Consumer } from '../consumer.js';
import { textOf } from '../message-body.js';

export interface RetentionCampaignOptions {
  /** Where each likely churner is posted to: the event as JSON, its message id as `Idempotency-Key`. */
  readonly webhookUrl: string;
  readonly timeoutMs: number;
}

export interface RetentionCampaignDeps {
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  readonly fetch: typeof globalThis.fetch;
}

/** Longer with each delivery, so that the maximum number of deliveries covers minutes of an outage, not one second. */
const BACKOFF: BackoffOptions = { firstDelayMs: 2_000, maxDelayMs: 20_000 };
/** The message is given back this long before its lock ends. */
const LOCK_MARGIN_MS = 2_000;

const REQUEST_TIMEOUT = 408;
const TOO_MANY_REQUESTS = 429;

/**
 * Posts each message to a webhook, and completes it only when that answered with success (2xx). What the webhook
 * refuses for good (4xx) is dead-lettered with the reason; all else is tried again later.
 */
export function createRetentionCampaign(deps: RetentionCampaignDeps, options: RetentionCampaignOptions): Consumer {
  const { clock, logger } = deps;
  const stopping = new AbortController();

  const later = async (message: ReceivedMessage, why: string): Promise<MessageVerdict> => {
    logger.warn({ messageId: message.messageId, deliveryCount: message.deliveryCount, why }, 'webhook: trying later');
    const ceilingMs = Math.max(0, message.lockedUntilMs - LOCK_MARGIN_MS - clock.now());
    const waitMs = BACKOFF.firstDelayMs / 2 + backoffMs(message.deliveryCount, BACKOFF, deps.random);
    await delay(clock, Math.min(waitMs, ceilingMs), stopping.signal);
    return { outcome: 'abandon' };
  };

  return {
    concurrency: 8,
    async handle(message) {
      let status: number;
      try {
        status = await post(message);
      } catch (error) {
        return later(message, messageOf(error));
      }
      if (status >= 200 && status < 300) return { outcome: 'complete' };
      const final = status >= 400 && status < 500 && status !== REQUEST_TIMEOUT && status !== TOO_MANY_REQUESTS;
      if (!final) return later(message, `answered ${status}`);
      logger.error({ messageId: message.messageId, status }, 'webhook: refused');
      return { outcome: 'dead-letter', reason: 'WebhookRefused', description: `the webhook answered ${status}` };
    },
    abort: () => stopping.abort(),
    async close() {},
  };

  async function post(message: ReceivedMessage): Promise<number> {
    const limitMs = Math.max(1, Math.min(options.timeoutMs, message.lockedUntilMs - LOCK_MARGIN_MS - clock.now()));
    const response = await deps.fetch(options.webhookUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': message.messageId },
      body: textOf(message.body),
      // A redirect of a POST would lose its body; the configured address is meant to be the right one.
      redirect: 'manual',
      signal: AbortSignal.any([AbortSignal.timeout(limitMs), stopping.signal]),
    });
    await response.body?.cancel();
    return response.status;
  }
}
