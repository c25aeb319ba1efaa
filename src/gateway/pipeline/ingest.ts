import { createEnvelope, type EventContext } from '../../events/index.js';
import type { Clock } from '../../shared/clock.js';
import type { Tally } from '../metrics/index.js';
import type { WatchVisitors } from '../policy/hot-visitors.js';
import { Problem } from '../problem.js';
import type { Hold } from '../publish/budget.js';
import type { Outgoing } from '../publish/publisher.js';
import type { Settlements } from '../publish/ticket.js';
import type { Visit } from '../recall/index.js';
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
  /** Empty once it was read: a request that waits for its answer does not keep its body in memory. */
  bytes: Buffer;
  /** What it takes of the memory that requests may take together, until it is parsed. */
  readonly hold: Hold;
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
}

const NOTHING = Buffer.alloc(0);

/** What `read` makes of a body, which is not in memory any more then: what is made may not refer to it. */
export function takeBytes<T>(body: PostedBody, read: (bytes: Buffer) => T): T {
  try {
    return read(body.bytes);
  } finally {
    body.bytes = NOTHING;
    body.hold.release();
  }
}

/** The steps, in the order in which they run. Each has an outcome of its own type, and none throws for what clients do. */
export interface IngestSteps {
  readonly admit: (client: Client) => IngestRequest | Problem;
  readonly decode: (body: Buffer, encoding: string, hold: Hold) => Promise<Buffer | Problem>;
  readonly parse: (body: Buffer, contentType: string | undefined) => ParsedBody | Problem;
  /** Holds what was not parsed here to the same number of events. */
  readonly bound: (body: ParsedBody) => ParsedBody | Problem;
  /** Undefined when nobody asked to have an eye on visitors that fill a partition. */
  readonly watchVisitors: WatchVisitors | undefined;
  /** Opens what is known of the events of this source that were accepted before. */
  readonly recall: (source: string, receivedAtMs: number) => Visit;
  readonly prepare: ReturnType<typeof createPrepare>;
  readonly publish: (outgoing: Outgoing) => Promise<Settlements>;
  readonly tally: Tally;
  /** Told how long the events of a request took to be settled. */
  readonly onSettled: (tookMs: number) => void;
  /** When to send again what failed now, unless its disk knows better. */
  readonly retryAfterSeconds: () => number;
}

/** What becomes of a request. */
export type Answer = Results | Problem;
type Awaitable<T> = T | Promise<T>;
type ParseForeign = (bytes: Buffer) => ParsedBody | Problem;

/** Events that were mapped from another protocol. */
interface MappedBody extends ParsedBody {
  /** They are judged and answered for, and go nowhere. */
  readonly isDryRun?: boolean;
}

/** The way of a request through the gateway, from bytes to answer. */
export function createIngest(clock: Clock, steps: IngestSteps) {
  // None of these is an async function: it would keep what it was given in memory for as long as the request waits.

  /**
   * What `read` makes of the bytes that were meant; for the routes of other protocols, which read bodies of their own.
   * Only a body that is compressed has to be waited for.
   */
  function readBody<T>(body: PostedBody, read: (bytes: Buffer) => T): Awaitable<T | Problem> {
    const encoding = encodingOf(body.contentEncoding, body.bytes);
    if (encoding === undefined) return takeBytes(body, read);
    return steps
      .decode(body.bytes, encoding, body.hold)
      .then((bytes) => takeBytes(body, () => (bytes instanceof Problem ? bytes : read(bytes))));
  }

  /** A posted body; `parseForeign` reads one that is not native. */
  function ingestBody(request: IngestRequest, body: PostedBody, parseForeign?: ParseForeign): Awaitable<Answer> {
    const parsed = readBody(body, parseForeign ?? ((bytes) => steps.parse(bytes, body.contentType)));
    const ingest = parseForeign === undefined ? ingestItems : ingestMapped;
    return parsed instanceof Promise ? parsed.then((later) => ingest(request, later)) : ingest(request, parsed);
  }

  /** One event that was put together from something else than a body, such as a pixel's query. */
  function ingestEvent(request: IngestRequest, event: unknown): Awaitable<Answer> {
    return ingestItems(request, { items: [event] });
  }

  /** Events that a route has mapped from another protocol. */
  function ingestMapped(request: IngestRequest, mapped: MappedBody | Problem): Awaitable<Answer> {
    return ingestItems(request, mapped instanceof Problem ? mapped : steps.bound(mapped));
  }

  function ingestItems(request: IngestRequest, parsed: MappedBody | Problem): Awaitable<Answer> {
    const launched = parsed instanceof Problem ? parsed : launch(request, parsed);
    if (launched instanceof Problem) return launched;
    const { entries, visit, receivedAtMs, settled } = launched;
    if (settled === undefined) return answerOfDryRun(entries);
    return settled.then((outcomes) => {
      // Nothing is said to be accepted, or a duplicate, before it is durable.
      const settlements = visit.settle(entries, outcomes);
      steps.onSettled(clock.now() - receivedAtMs);
      steps.tally.add(entries, settlements);
      return answerOf(entries, settlements, () => settlements.retryAfterSeconds ?? steps.retryAfterSeconds());
    });
  }

  function launch(
    { sender, client, context }: IngestRequest,
    { items, sentAt, isPlain, isAscii, isDryRun }: MappedBody,
  ): Launched | Problem {
    const receivedAtMs = clock.now();
    const refusal = sender.rates?.take(client.address, items.length, receivedAtMs);
    if (refusal !== undefined) return refusal;

    const { source } = sender;
    const dryRun = client.dryRun || isDryRun;
    const envelope = createEnvelope({ source, ...client.trace, context, receivedAtMs, isPlain });

    // From here on each event has a fate of its own: a bad one never costs the others.
    const judge = sender.judge?.({ client, context, nowMs: receivedAtMs });
    const watch = dryRun ? undefined : steps.watchVisitors?.(source, receivedAtMs);
    const takeQuota = dryRun ? undefined : sender.takeQuota;
    const visit = steps.recall(source, receivedAtMs);
    const fate = { receivedAtMs, sentAt, context, isAscii, judge, watch, takeQuota, visit };
    const { entries, outgoing } = steps.prepare(items, fate, envelope);
    return { entries, visit, receivedAtMs, settled: dryRun ? undefined : steps.publish(outgoing) };
  }

  /** Whose request it is, and whether it may send; the first step, before its body is even read. */
  const { admit } = steps;
  return { admit, readBody, ingestBody, ingestEvent, ingestMapped };
}

/** The events of a request on their way. `settled` is undefined in a dry run: then nothing was sent. */
interface Launched {
  readonly receivedAtMs: number;
  readonly entries: Batch['entries'];
  readonly visit: Visit;
  readonly settled: Promise<Settlements> | undefined;
}

export type Ingest = ReturnType<typeof createIngest>;
