import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../shared/clock.js';
import { type Results, readResults, resendOf } from '../pipeline/answer.js';
import { Dropped } from '../pipeline/dropped.js';
import { type PostedBody, takeBytes } from '../pipeline/ingest.js';
import { parseJson } from '../pipeline/parse.js';
import { takeBody } from '../plugins/bodies.js';
import { sendProblem } from '../plugins/problems.js';
import { Problem } from '../problem.js';
import { fieldsOf } from '../protocols/fields.js';
import { timeOf } from '../protocols/foreign.js';
import { rejectedOf } from '../protocols/outcome.js';
import type { Shop, SignedRequest, Told, WebhookSource } from '../webhooks/shop.js';
import { shopify } from '../webhooks/shopify.js';
import { stripe } from '../webhooks/stripe.js';
import { wooCommerce } from '../webhooks/woocommerce.js';
import type { EventRouteDeps } from './events.js';

export interface WebhookDeps extends EventRouteDeps {
  readonly clock: Clock;
  readonly sources: ReadonlyMap<string, WebhookSource>;
}

const SHOPS: readonly Shop[] = [shopify, wooCommerce, stripe];

/**
 * An order that is told again is one order only so long as the topic remembers its number, which is 13 hours. What was
 * written longer ago than this is refused, whoever has signed it. Shopify goes on trying for 4 hours; Stripe for 3 days,
 * but of what it tried in vain for 12 hours nobody knows whether it had come.
 */
const MAX_AGE_MS = 12 * 3_600_000;

/** `POST /webhooks/<shop>/:source`: the signature is the key. */
export function addWebhookRoutes(app: FastifyInstance, deps: WebhookDeps): void {
  for (const shop of SHOPS) {
    app.post(`/webhooks/${shop.name}/:source`, async (request, reply) => {
      const posted = takeBody(request, reply);
      const outcome = posted instanceof Problem ? posted : await take(deps, shop, { request, posted });
      if (outcome instanceof Problem) return sendProblem(reply, outcome);
      return sendOutcome(reply, outcome);
    });
  }
}

const NOTHING_FOR_US = 'nothing of interest';

interface Delivery {
  readonly request: FastifyRequest;
  readonly posted: PostedBody;
}

async function take(
  deps: WebhookDeps,
  shop: Shop,
  { request: { headers, params, raw }, posted }: Delivery,
): Promise<Results | typeof NOTHING_FOR_US | Problem> {
  const source = deps.sources.get((params as { source: string }).source);
  // A signature is of the bytes as they came.
  const told = takeBytes(posted, (body) => readTold(shop, source, { headers, body, nowMs: deps.clock.now() }));
  if (told === NOTHING_FOR_US || told instanceof Problem) return told;
  const { sender, events } = told;
  const client = deps.readClient(raw, { writeKey: undefined, dryRun: undefined });
  const request = { sender, client, context: sender.contextOf(client) };
  const results = await deps.ingest.ingestMapped(request, { items: events });
  return results instanceof Problem ? results : (resendOf(results) ?? results);
}

function readTold(
  shop: Shop,
  source: WebhookSource | undefined,
  request: SignedRequest,
): (Pick<Told, 'events'> & Pick<WebhookSource, 'sender'>) | typeof NOTHING_FOR_US | Problem {
  if (shop.isPing?.(request)) return NOTHING_FOR_US;
  // The same answer for a wrong signature and for a source that is none, so that nobody can ask for names.
  if (source === undefined || !shop.isSigned(request, source.secrets[shop.name] ?? [])) {
    return new Problem('PS_SIGNATURE_INVALID', 'No secret of this source has signed this body, or too long ago');
  }
  const parsed = parseJson(request.body);
  if (parsed instanceof Problem) return parsed;
  const told = shop.read(request.headers, fieldsOf(parsed.value) ?? {});
  if (told === undefined) return NOTHING_FOR_US;
  if (!isTooOld(told.writtenAt, request.nowMs)) return judgedAsTest(told, source);
  if (shop.tellsOldOrders) return NOTHING_FOR_US;
  return new Problem('PS_WEBHOOK_TOO_OLD', 'What was written more than 12 hours ago could be told a second time');
}

/** An order that is dropped is told of, and counted, like any other event that is. */
function judgedAsTest({ events, isTest }: Told, { sender, testOrders }: WebhookSource) {
  if (isTest !== true) return { events, sender };
  if (testOrders === 'drop') return { events, sender: { ...sender, judge: () => () => new Dropped('test_order') } };
  return {
    events: events.map((event) => ({ ...event, properties: { ...fieldsOf(event.properties), test: true } })),
    sender,
  };
}

/** A time that cannot be read is the pipeline's to refuse. */
function isTooOld(writtenAt: unknown, nowMs: number): boolean {
  const time = timeOf(writtenAt);
  const writtenAtMs = typeof time === 'string' ? Date.parse(time) : time;
  return typeof writtenAtMs === 'number' && nowMs - writtenAtMs > MAX_AGE_MS;
}

/** A shop gives a webhook up that it is refused too often: what cannot be an order is no reason to be. */
function sendOutcome(reply: FastifyReply, outcome: Results | typeof NOTHING_FOR_US): FastifyReply {
  const results = outcome === NOTHING_FOR_US ? [] : readResults(outcome);
  const rejected = rejectedOf(results);
  const dropped = results.filter((result) => result.outcome === 'dropped').length;
  const body = {
    ok: true,
    events: results.length - rejected.length - dropped,
    ...(dropped === 0 ? {} : { dropped }),
    ...(rejected.length === 0 ? {} : { rejected }),
  };
  return reply.header('content-type', 'application/json; charset=utf-8').send(JSON.stringify(body));
}
