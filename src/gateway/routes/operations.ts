import { z } from 'zod';
import { jsonOf, type Operation, problemOf, schemaOf, textOf } from '../../shared/openapi.js';

const text = z.string().max(256);
const identifier = z.union([text, z.int()]);
const time = z
  .union([z.iso.datetime({ offset: true }), z.number()])
  .describe('RFC 3339, or milliseconds since the epoch.');
const fields = z.record(z.string(), z.unknown());

/** As docs/events.md has it; the pipeline judges what really comes. */
const eventSchema = z.looseObject({
  type: z
    .string()
    .regex(/^[a-zA-Z0-9_.:-]{1,100}$/)
    .describe("Google Analytics 4's names, `churn_scored`, `offer_made`, or any other."),
  id: text.optional().describe('Kept; a retry with the same id is safe. Without one the gateway makes a UUIDv7.'),
  occurredAt: time.optional(),
  sentAt: time.optional().describe("The sender's clock when it sent."),
  anonymousId: identifier.optional().describe('The visitor; chooses the partition.'),
  userId: identifier.optional(),
  sessionId: identifier.optional(),
  page: z
    .looseObject({ url: z.string(), path: z.string(), title: z.string(), referrer: z.string() })
    .partial()
    .optional(),
  properties: fields
    .optional()
    .describe('`purchase` needs `transaction_id`, `value` and `currency`; `refund` needs `transaction_id`.'),
  consent: z.record(z.string(), z.union([z.boolean(), z.enum(['granted', 'denied'])])).optional(),
  context: fields.optional().describe("`ip`, `userAgent`, `locale` and more, of a server's visitor."),
});

const bodySchema = z.union([
  eventSchema,
  z.array(eventSchema),
  z.looseObject({ sentAt: time.optional(), events: z.array(eventSchema) }),
]);

const resultSchema = z.looseObject({
  id: z.string().nullable().describe('Null of what has none that can be read.'),
  outcome: z.enum(['accepted', 'duplicate', 'rejected', 'dropped', 'valid']),
  durability: z.enum(['broker', 'spool']).optional().describe('Of what is accepted: where it is.'),
  reason: z.string().optional(),
  path: z.string().optional().describe('JSON pointer of the field that is wrong.'),
  retryable: z.boolean().optional().describe('Nothing is wrong with it: to be sent again, with the same id.'),
});

const resultsSchema = z.object({
  dryRun: z.literal(true).optional(),
  results: z.array(resultSchema).describe('One for each event, in the order sent.'),
});

const retryAfter = {
  'Retry-After': { description: 'In how many seconds to send again.', schema: { type: 'integer' } },
};
const isDryRun = {
  name: 'dry_run',
  in: 'query',
  description: 'Judges, and neither sends nor keeps.',
  schema: { const: '1' },
} as const;

export const postEvents = (): Operation => ({
  operationId: 'postEvents',
  summary: 'Takes events, and says of each what became of it',
  description:
    'One event, an array of events, `{"events": […]}`, NDJSON, or CloudEvents 1.0 (binary, structured, batch), under any ' +
    'content type, plain or compressed with gzip, deflate, br or zstd.',
  parameters: [isDryRun],
  requestBody: {
    required: true,
    content: {
      'application/json': { schema: schemaOf(bodySchema, 'input') },
      'application/x-ndjson': { schema: { type: 'string' } },
      'application/cloudevents+json': { schema: { type: 'object' } },
      'application/cloudevents-batch+json': { schema: { type: 'array', items: { type: 'object' } } },
    },
  },
  responses: {
    200: { ...jsonOf('What became of each.', resultsSchema), headers: retryAfter },
    400: problemOf('The body cannot be read.'),
    401: problemOf('The write key is missing or unknown.'),
    403: problemOf('The page may not use this write key.'),
    408: problemOf('The request took too long to arrive.'),
    413: problemOf('The body is too large, or holds too many events.'),
    415: problemOf('The content encoding is not supported.'),
    429: { ...problemOf('Too much at once, or too much waits; nothing was accepted.'), headers: retryAfter },
    503: { ...problemOf('A broker is away and there is no spool; nothing was accepted.'), headers: retryAfter },
  },
});

const ofEvent = (name: string, description: string) =>
  ({ name, in: 'query', description, schema: { type: 'string' } }) as const;

export const getPixel = (): Operation => ({
  operationId: 'getPixel',
  summary: 'Takes one event of a page or mail that runs no script',
  description: 'Further parameters become properties. Whatever becomes of the event, the answer is the picture.',
  parameters: [
    ofEvent('type', '`page_view` where there is none.'),
    ofEvent('url', "Of the page; by default the request's `Referer`."),
    ofEvent('anonymousId', 'The visitor.'),
    ofEvent('id', 'Of the event.'),
    isDryRun,
  ],
  responses: {
    200: {
      ...textOf('A transparent picture.', 'image/gif'),
      headers: { 'X-Penstock-Outcome': { description: 'What became of it.', schema: { type: 'string' } } },
    },
  },
});

export const getTracker = (): Operation => ({
  operationId: 'getTracker',
  summary: 'The script that sites embed: docs/tracker.md',
  security: [],
  responses: { 200: textOf('The script.', 'text/javascript'), 304: { description: 'The copy is still good.' } },
});

export const getLiveness = (): Operation => ({
  operationId: 'getLiveness',
  summary: 'The process answers',
  security: [],
  responses: { 200: jsonOf('It does.', z.object({ status: z.literal('alive') })) },
});

const readiness = z.object({
  status: z.enum(['ready', 'unavailable']),
  sinks: z.record(
    z.string(),
    z.looseObject({
      state: z.enum(['up', 'connecting', 'down']),
      since: z.iso.datetime(),
      spool: z.object({ records: z.int(), bytes: z.int(), oldestMs: z.number() }).optional(),
    }),
  ),
});

export const getReadiness = (): Operation => ({
  operationId: 'getReadiness',
  summary: 'Whether events are taken, with the state of each destination',
  security: [],
  responses: {
    200: jsonOf('Every destination takes events, in its broker or on disk.', readiness),
    503: jsonOf('Some destination takes none.', readiness),
  },
});
