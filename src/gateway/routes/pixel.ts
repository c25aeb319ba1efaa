import type { FastifyInstance } from 'fastify';
import { type Results, readResults } from '../pipeline/answer.js';
import { Problem } from '../problem.js';
import { PIXEL } from '../protocols/protocol.js';
import { admit, type EventRouteDeps } from './events.js';
import { getPixel } from './operations.js';

const EVENT_FIELDS: ReadonlySet<string> = new Set([
  'type',
  'id',
  'occurredAt',
  'time',
  'timestamp',
  'sentAt',
  'anonymousId',
  'userId',
  'sessionId',
]);
const NOT_OF_THE_EVENT: ReadonlySet<string> = new Set(['writeKey', 'dry_run']);
const PAGE_FIELDS: ReadonlySet<string> = new Set(['url', 'path', 'title', 'referrer']);

/** Properties that other types of event need as numbers; a query knows only text. */
const NUMBERS: ReadonlySet<string> = new Set(['value', 'churnScore', 'price', 'quantity']);
const NUMBER = /^-?\d{1,15}(?:\.\d{1,15})?$/;

/**
 * `GET /v1/pixel.gif`, for pages and mails that run no script. Whatever becomes of the event, the answer is the picture;
 * what became of it stands in `X-Penstock-Outcome`.
 */
export function addPixelRoute(app: FastifyInstance, deps: EventRouteDeps): void {
  // Who asks for the head only has not seen a page.
  const options = { config: { operation: getPixel }, exposeHeadRoute: false };
  app.get('/v1/pixel.gif', options, async (request, reply) => {
    const admitted = admit(deps, request);
    const answer =
      admitted instanceof Problem
        ? admitted
        : await deps.ingest.ingestEvent(
            admitted,
            eventOf(request.query as Readonly<Record<string, unknown>>, request.headers.referer),
          );
    return reply
      .header('x-penstock-outcome', outcomeOf(answer))
      .header('cache-control', 'no-store, private')
      .header('content-type', 'image/gif')
      .send(PIXEL);
  });
}

/** A page of which nothing is said is the one that shows the picture, if the browser tells: then one tag fits all pages. */
function eventOf(query: Readonly<Record<string, unknown>>, referer: string | undefined): Record<string, unknown> {
  const event: Record<string, unknown> = { type: 'page_view' };
  const page: Record<string, unknown> = {};
  const properties: Record<string, unknown> = {};
  for (const [key, values] of Object.entries(query)) {
    const value: unknown = Array.isArray(values) ? values[0] : values;
    if (NOT_OF_THE_EVENT.has(key) || typeof value !== 'string') continue;
    if (EVENT_FIELDS.has(key)) event[key] = value;
    else if (PAGE_FIELDS.has(key)) page[key] = value;
    // Defined, not assigned: the key may be `__proto__`, which the schema has to see to refuse it.
    else
      Object.defineProperty(properties, key, { value: propertyOf(key, value), enumerable: true, configurable: true });
  }
  if (isEmpty(page) && event['type'] === 'page_view' && URL.canParse(referer ?? '')) page['url'] = referer;
  return { ...event, page: isEmpty(page) ? null : page, properties: isEmpty(properties) ? null : properties };
}

function propertyOf(key: string, value: string): string | number {
  return NUMBERS.has(key) && NUMBER.test(value) ? Number(value) : value;
}

function isEmpty(object: object): boolean {
  return Object.keys(object).length === 0;
}

function outcomeOf(answer: Results | Problem): string {
  if (answer instanceof Problem) return `refused; code=${answer.code}`;
  const [result] = readResults(answer);
  if (result?.reason === undefined) return result?.outcome ?? 'refused';
  if (result.outcome === 'dropped') return `dropped; reason=${result.reason}`;
  return `${result.outcome}; reason=${result.reason}; path=${encodeURI(result.path ?? '')}`;
}
