import type { ReceivedMessage } from '../../messaging/index.js';
import type { BackoffOptions } from '../../shared/backoff.js';
import type { Consumer } from '../consumer.js';
import { createGiveBack, type GiveBackDeps, handlingMsOf } from '../give-back.js';
import { textOf } from '../message-body.js';

export interface RetentionCampaignOptions {
  /** Where each likely churner is posted to: the event as JSON, its message id as `Idempotency-Key`. */
  readonly webhookUrl: string;
  readonly timeoutMs: number;
}

export interface RetentionCampaignDeps extends GiveBackDeps {
  readonly fetch: typeof globalThis.fetch;
}

/** A webhook is soon back, and few messages are in hand at once: none should wait for a minute. */
const BACKOFF: BackoffOptions = { firstDelayMs: 2_000, maxDelayMs: 20_000 };

const REQUEST_TIMEOUT = 408;
const TOO_MANY_REQUESTS = 429;

/**
 * Posts each message to a webhook, and completes it only when that answered with success (2xx). What the webhook
 * refuses for good (4xx) is dead-lettered with the reason; all else is tried again later.
 */
export function createRetentionCampaign(deps: RetentionCampaignDeps, options: RetentionCampaignOptions): Consumer {
  const { clock, logger } = deps;
  const { later, abort, stopping } = createGiveBack(deps, 'webhook', BACKOFF);

  return {
    concurrency: 8,
    async handle(message) {
      let status: number;
      try {
        status = await post(message);
      } catch (error) {
        return later(message, error);
      }
      if (status >= 200 && status < 300) return { outcome: 'complete' };
      const final = status >= 400 && status < 500 && status !== REQUEST_TIMEOUT && status !== TOO_MANY_REQUESTS;
      if (!final) return later(message, new Error(`the webhook answered ${status}`));
      logger.error({ messageId: message.messageId, status }, 'webhook: refused');
      return { outcome: 'dead-letter', reason: 'WebhookRefused', description: `the webhook answered ${status}` };
    },
    abort,
    async close() {},
  };

  async function post(message: ReceivedMessage): Promise<number> {
    const limitMs = Math.max(1, Math.min(options.timeoutMs, handlingMsOf(message, clock)));
    const response = await deps.fetch(options.webhookUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': message.messageId },
      body: textOf(message.body),
      // A redirect of a POST would lose its body; the configured address is meant to be the right one.
      redirect: 'manual',
      signal: AbortSignal.any([AbortSignal.timeout(limitMs), stopping]),
    });
    await response.body?.cancel();
    return response.status;
  }
}
