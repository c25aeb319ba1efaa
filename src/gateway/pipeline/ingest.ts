import { createEnvelope, type EventContext } from '../../events/index.js';
import type { Clock } from '../../shared/clock.js';
import type { Tally } from '../metrics/index.js';
import type { WatchVisitors } from '../policy/hot-visitors.js';
import { Problem } from '../problem.js';
import type { Outgoing } from '../publish/publisher.js';
import type { Settlements } from '../publish/ticket.js';
import { answerOf, answerOfDryRun, type Results } from './answer.js';
import type { Client } from './client.js';
import { encodingOf } from './decode.js';
import type { ParsedBody } from './parse.js';
import type { Batch, createPrepare } from './prepare.js';
import type { Sender } from './sender.js';

/** A request that was let in, whatever carried it. */
export interface IngestRequest {
  /** Who its write key says it is, and what that may do. */
  readonly sender: Sender;
  readonly client: Client;
  /** What its events take from it. */
  readonly context: EventContext;
}

export interface PostedBody {
  readonly bytes: Buffer;
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
}

/** The steps, in the order in which they run. Each has an outcome of its own type, and none throws for what clients do. */
export interface IngestSteps {
  readonly admit: (client: Client) => IngestRequest | Problem;
  readonly decode: (body: Buffer, encoding: string) => Promise<Buffer | Problem>;
  readonly parse: (body: Buffer, contentType: string | undefined) => ParsedBody | Problem;
  /** Holds what was not parsed here to the same number of events. */
  readonly bound: (body: ParsedBody) => ParsedBody | Problem;
  /** Undefined when nobody asked to have an eye on visitors that fill a partition. */
  readonly watchVisitors: WatchVisitors | undefined;
  readonly prepare: ReturnType<typeof createPrepare>;
  readonly publish: (outgoing: Outgoing) => Promise<Settlements>;
  readonly tally: Tally;
  /** When to send again what failed now. */
  readonly retryAfterSeconds: () => number;
}

/** Events that were mapped from another protocol. */
interface MappedBody extends ParsedBody {
  /** They are judged and answered for, and go nowhere. */
  readonly isDryRun?: boolean;
}

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
    return bounded instanceof Problem ? bounded : ingestItems(request, mapped);
  }

  async function ingestItems(request: IngestRequest, parsed: MappedBody): Promise<Results | Problem> {
    const launched = launch(request, parsed);
    if (launched instanceof Problem) return launched;

    if (launched.settled === undefined) return answerOfDryRun(launched.entries);
    // Nothing is said to be accepted before it is durable.
    const settlements = await launched.settled;
    steps.tally.add(launched.entries, settlements);
    return answerOf(launched.entries, settlements, steps.retryAfterSeconds);
  }

  /** Not part of the async function, so that a request that waits keeps nothing alive but what its answer needs. */
  function launch(
    { sender, client, context }: IngestRequest,
    { items, sentAt, isPlain, isDryRun }: MappedBody,
  ): Launched | Problem {
    const receivedAtMs = clock.now();
    const refusal = sender.rates?.take(client.address, items.length, receivedAtMs);
    if (refusal !== undefined) return refusal;

    const { source } = sender;
    const { traceparent } = client;
    const dryRun = client.dryRun || isDryRun;
    const envelope = createEnvelope({ source, traceparent, context, receivedAtMs, isPlain });

    // From here on each event has a fate of its own: a bad one never costs the others.
    const judge = sender.judge?.({ client, context, nowMs: receivedAtMs });
    const watch = dryRun ? undefined : steps.watchVisitors?.(source, receivedAtMs);
    const takeQuota = dryRun ? undefined : sender.takeQuota;
    const fate = { receivedAtMs, sentAt, context, judge, watch, takeQuota };
    const { entries, outgoing } = steps.prepare(items, fate, envelope);
    return { entries, settled: dryRun ? undefined : steps.publish(outgoing) };
  }

  /** Whose request it is, and whether it may send; the first step, before its body is even read. */
  const { admit } = steps;
  return { admit, decodeBody, ingestBody, ingestEvent, ingestMapped };
}

/** The events of a request on their way. `settled` is undefined in a dry run: then nothing was sent. */
interface Launched {
  readonly entries: Batch['entries'];
  readonly settled: Promise<Settlements> | undefined;
}

export type Ingest = ReturnType<typeof createIngest>;
