import { createEnvelope, type EventContext } from '../../events/index.js';
import type { Clock } from '../../shared/clock.js';
import { Problem } from '../problem.js';
import type { Outgoing } from '../publish/publisher.js';
import type { Settlements } from '../publish/ticket.js';
import { answerOf, type Results } from './answer.js';
import type { Credentials } from './authenticate.js';
import { encodingOf } from './decode.js';
import type { ParsedBody } from './parse.js';
import type { createPrepare } from './prepare.js';

/** What the pipeline needs of a request, whatever carried it. */
export interface IngestRequest {
  /** The site, as its write key says. */
  readonly source: string;
  readonly context: EventContext;
  readonly traceparent?: string | undefined;
}

export interface PostedBody {
  readonly bytes: Buffer;
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
}

/** The steps, in the order in which they run. Each has an outcome of its own type, and none throws for what clients do. */
export interface IngestSteps {
  readonly authenticate: (credentials: Credentials) => string | Problem;
  readonly decode: (body: Buffer, encoding: string) => Promise<Buffer | Problem>;
  readonly parse: (body: Buffer, contentType: string | undefined) => ParsedBody | Problem;
  /** Holds what was not parsed here to the same number of events. */
  readonly bound: (body: ParsedBody) => ParsedBody | Problem;
  readonly prepare: ReturnType<typeof createPrepare>;
  readonly publish: (outgoing: Outgoing) => Promise<Settlements>;
  /** When to send again what failed now. */
  readonly retryAfterSeconds: () => number;
}

/** Events that were mapped from another protocol. */
interface MappedBody extends ParsedBody {
  /** They are judged and answered for, and go nowhere. */
  readonly isDryRun?: boolean;
}

const NOTHING_FAILED: Settlements = { failures: new Map(), spooled: new Set() };

/** The way of a request through the gateway, from bytes to answer. */
export function createIngest(clock: Clock, steps: IngestSteps) {
  /** The bytes that were meant; for the routes of other protocols, which read bodies of their own. */
  function decodeBody(body: PostedBody): Buffer | Promise<Buffer | Problem> {
    const encoding = encodingOf(body.contentEncoding, body.bytes);
    return encoding === undefined ? body.bytes : steps.decode(body.bytes, encoding);
  }

  /** A posted body; `parseForeign` reads one that is not native. */
  async function ingestBody(
    request: IngestRequest,
    body: PostedBody,
    parseForeign?: (bytes: Buffer) => ParsedBody | Problem,
  ): Promise<Results | Problem> {
    const bytes = await decodeBody(body);
    if (bytes instanceof Problem) return bytes;

    const parsed = parseForeign === undefined ? steps.parse(bytes, body.contentType) : parseForeign(bytes);
    if (parsed instanceof Problem) return parsed;

    return parseForeign === undefined ? ingestItems(request, parsed) : ingestMapped(request, parsed);
  }

  /** One event that was put together from something else than a body, such as a pixel's query. */
  function ingestEvent(request: IngestRequest, event: unknown): Promise<Results | Problem> {
    return ingestItems(request, { items: [event] });
  }

  /** Events that a route has mapped from another protocol. */
  async function ingestMapped(request: IngestRequest, mapped: MappedBody): Promise<Results | Problem> {
    const bounded = steps.bound(mapped);
    if (bounded instanceof Problem) return bounded;
    return mapped.isDryRun ? judgeItems(request, bounded) : ingestItems(request, bounded);
  }

  /** What would be refused of these events; none of them is sent. */
  function judgeItems(request: IngestRequest, parsed: ParsedBody): Results | Problem {
    const { entries } = prepareItems(request, parsed);
    return answerOf(entries, NOTHING_FAILED, steps.retryAfterSeconds);
  }

  async function ingestItems(request: IngestRequest, parsed: ParsedBody): Promise<Results | Problem> {
    const { entries, settled } = launch(request, parsed);

    // Nothing is said to be accepted before its broker has settled it.
    return answerOf(entries, await settled, steps.retryAfterSeconds);
  }

  /** Not part of the async function, so that a request that waits keeps nothing alive but what its answer needs. */
  function launch(request: IngestRequest, parsed: ParsedBody) {
    const { entries, outgoing } = prepareItems(request, parsed);
    return { entries, settled: steps.publish(outgoing) };
  }

  function prepareItems(request: IngestRequest, parsed: ParsedBody) {
    const receivedAtMs = clock.now();
    const { source, context, traceparent } = request;
    const envelope = createEnvelope({ source, traceparent, context, receivedAtMs, isPlain: parsed.isPlain });

    // From here on each event has a fate of its own: a bad one never costs the others.
    return steps.prepare(parsed.items, { receivedAtMs, sentAt: parsed.sentAt, context }, envelope);
  }

  /** Whose request it is; the first step, before its body is even read. */
  const { authenticate } = steps;
  return { authenticate, decodeBody, ingestBody, ingestEvent, ingestMapped };
}

export type Ingest = ReturnType<typeof createIngest>;
