import type { IncomingHttpHeaders } from 'node:http';
import type { EventResult } from '../pipeline/answer.js';
import type { ParsedBody } from '../pipeline/parse.js';
import type { Problem } from '../problem.js';

/**
 * A foreign tracking protocol: its paths, how its requests become native events, and the answers that its SDKs need.
 * Pure: it decides nothing that the pipeline decides, and `routes/protocol.ts` does the rest.
 */
export interface Protocol {
  readonly name: string;
  readonly routes: readonly ProtocolRoute[];
  /** Its browser library sends with credentials, so that only an answer that allows them can be read. */
  readonly withCredentials?: boolean;
}

type ProtocolRoute = EventsRoute | PageRoute;

/** A route that takes events. */
export interface EventsRoute {
  readonly method: 'GET' | 'POST';
  readonly paths: readonly string[];
  /** The native events of a request, not yet judged; a problem when there are none to be read. Never throws. */
  readonly map: (request: RequestHead, body: Buffer) => MappedEvents | Problem;
  /** What the SDK needs to hear when nothing of the request is worth sending again. */
  readonly answer: (results: readonly EventResult[], request: RequestHead) => Reply;
  /**
   * What it needs to hear when the whole request is refused, or (`retryAfterSeconds` is set) to be sent again. Problem
   * details, when left out; `Retry-After` is sent in any case.
   */
  readonly refuse?: (problem: Problem, request: RequestHead) => Reply;
}

/** A route that answers what the browser library wants to know before it sends. */
interface PageRoute {
  readonly method: 'GET';
  readonly paths: readonly string[];
  readonly page: (request: RequestHead) => Reply;
}

export interface MappedEvents extends ParsedBody {
  /** The events are judged and answered for, and go nowhere. */
  readonly isDryRun?: boolean;
  /** The write key, where this protocol has it in the body; headers and query come first. */
  readonly writeKey?: string | undefined;
}

/** A request without its body, which must not wait in memory for the answer. */
export interface RequestHead {
  /** As the route names it, such as `/v1/:type`. */
  readonly route: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, unknown>>;
  readonly headers: IncomingHttpHeaders;
  /** For protocols that tell how long ago an event was. */
  readonly receivedAtMs: number;
}

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

export function jsonReply(value: unknown, status = 200): Reply {
  return { status, headers: { 'content-type': 'application/json; charset=utf-8' }, body: JSON.stringify(value) };
}

/** A transparent GIF of one pixel, the smallest that all browsers take. */
export const PIXEL = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64');

export function pixelReply(): Reply {
  return {
    status: 200,
    headers: { 'content-type': 'image/gif', 'cache-control': 'no-store, private' },
    body: PIXEL,
  };
}
