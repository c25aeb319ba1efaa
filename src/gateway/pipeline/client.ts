import type { EventContext } from '../../events/index.js';
import type { OptOutSignals } from '../policy/consent.js';
import type { TraceHeaders } from '../trace-context.js';

/** Where a write key may stand in a request. The first that is there counts. */
export interface Credentials {
  readonly authorization: string | undefined;
  readonly writeKeyHeader: string | undefined;
  readonly writeKeyQuery: string | undefined;
  /** The connection that they came by. */
  readonly connection: object;
}

/** What a request says of its sender, who may be anybody. Lives as long as the request, and is never logged. */
export interface Client {
  readonly credentials: Credentials;
  readonly context: EventContext;
  /** The trace that the request is part of. */
  readonly trace: TraceHeaders | undefined;
  /** The page that sends, as its browser says. */
  readonly origin: string | undefined;
  /** The whole address: for counting and hashing, never to be kept. */
  readonly address: string | undefined;
  readonly userAgent: string | undefined;
  readonly signals: OptOutSignals;
  /** It wants to know what would become of its events, and sends nothing. */
  readonly dryRun: boolean;
}
