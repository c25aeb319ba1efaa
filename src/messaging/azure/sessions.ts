import { setMaxListeners } from 'node:events';
import type { Clock } from '../../shared/clock.js';
import { messageOf } from '../../shared/errors.js';
import { PublishError } from '../errors.js';

export interface SessionDeps<Client> {
  readonly clock: Clock;
  readonly open: () => Promise<Client>;
  /** The SDK's own connection object; see createSessions. */
  readonly connectionOf: (client: Client) => unknown;
  readonly close: (client: Client) => Promise<void>;
}

interface Session<Client> {
  readonly client: Client;
  /** Aborted when the connection is lost or the session is closed. */
  readonly controller: AbortController;
  /** Fails what is in flight. */
  readonly inFlight: Set<(reason: PublishError) => void>;
}

/** The ways in which a connection ends: its socket is gone, or the broker closed it, without or with an error. */
const ENDS = ['disconnected', 'connection_close', 'connection_error'] as const;

interface Connection {
  prependListener(
    event: (typeof ENDS)[number] | 'connection_open',
    listener: (context?: { readonly error?: unknown }) => void,
  ): unknown;
  /** rhea's own, below that of the SDKs. */
  readonly _connection?: { readonly socket?: { setNoDelay?(noDelay: boolean): unknown } };
}

/**
 * Runs work on an SDK client that lives as long as its connection. Three things in the SDKs make this necessary, all
 * seen when a broker goes away while something is in flight:
 * - a send waits for its whole timeout, since its link may come back, although its settlement never does;
 * - a request on `$cbs` or `$management` does so too, and then throws inside a timer, which ends the process;
 * - a link that was being opened is taken for open ever after, without the broker's side of it.
 * So, as soon as the connection is lost, all that is in flight is failed and aborted, and the next work gets a new client.
 *
 * The connection is no public part of the SDKs. Where it is not found, work ends by its timeouts, as it does without this.
 */
export function createSessions<Client>(deps: SessionDeps<Client>) {
  let current: Promise<Session<Client>> | undefined;
  let closed = false;
  const lostListeners: ((error: PublishError) => void)[] = [];

  const openSession = async (): Promise<Session<Client>> => {
    const client = await deps.open();
    const session: Session<Client> = { client, controller: new AbortController(), inFlight: new Set() };
    // Every piece of work listens to the signal; there is no leak to warn of.
    setMaxListeners(0, session.controller.signal);
    const connection = deps.connectionOf(client);
    if (isConnection(connection)) {
      // First in line: what is aborted has to be aborted while the SDK still knows its links.
      for (const event of ENDS) connection.prependListener(event, (context) => lose(session, context?.error));
      connection.prependListener('connection_open', () => sendAtOnce(connection));
    }
    return session;
  };

  const lose = (session: Session<Client>, cause: unknown) => {
    const because = cause === undefined ? '' : `: ${messageOf(cause)}`;
    giveUp(session, new PublishError('PS_PUBLISH_UNAVAILABLE', `the connection was lost${because}`, { cause }));
  };

  const giveUp = (session: Session<Client>, error: PublishError) => {
    if (session.controller.signal.aborted) return;
    current = undefined;
    end(session, error);
    for (const listener of lostListeners) listener(error);
    // The client is of no more use, and how it ends concerns nobody.
    deps.close(session.client).catch(() => {});
  };

  const end = (session: Session<Client>, reason: PublishError) => {
    for (const fail of session.inFlight) fail(reason);
    session.inFlight.clear();
    session.controller.abort();
  };

  const sessionNow = async (): Promise<Session<Client>> => {
    if (closed) throw new PublishError('PS_PUBLISH_CLOSED', 'closed');
    current ??= openSession();
    return current.catch((error: unknown) => {
      current = undefined;
      throw error;
    });
  };

  const runOn = <T>(session: Session<Client>, work: (client: Client, signal: AbortSignal) => Promise<T>) =>
    new Promise<T>((resolve, reject) => {
      session.inFlight.add(reject);
      work(session.client, session.controller.signal)
        .then(resolve, reject)
        .finally(() => session.inFlight.delete(reject));
    });

  return {
    onLost: (listener: (error: PublishError) => void) => void lostListeners.push(listener),

    /** @throws PublishError when the connection is lost meanwhile; else what `work` throws. */
    async run<T>(work: (client: Client, signal: AbortSignal) => Promise<T>): Promise<T> {
      return runOn(await sessionNow(), work);
    },

    /**
     * Like `run`, for work that asks whether the broker is there: without an answer in time the connection is taken for
     * lost. The SDKs would wait a minute for a broker that hangs, and so would everything after it.
     */
    async probe<T>(timeoutMs: number, work: (client: Client, signal: AbortSignal) => Promise<T>): Promise<T> {
      const session = await sessionNow();
      const cancel = deps.clock.setTimer(
        () => giveUp(session, new PublishError('PS_PUBLISH_TIMEOUT', `no answer within ${timeoutMs} ms`)),
        timeoutMs,
      );
      return runOn(session, work).finally(cancel);
    },

    async close(): Promise<void> {
      if (closed) return;
      closed = true;
      const session = await current?.catch(() => undefined);
      if (session === undefined || session.controller.signal.aborted) return;
      end(session, new PublishError('PS_PUBLISH_CLOSED', 'closed'));
      await deps.close(session.client);
    },
  };
}

/**
 * Switches Nagle's algorithm off, which the SDKs leave on: a send whose last segment waits for the peer's delayed
 * acknowledgement takes up to 40 ms longer than it needs.
 */
function sendAtOnce(connection: Connection): void {
  connection._connection?.socket?.setNoDelay?.(true);
}

function isConnection(value: unknown): value is Connection {
  return (
    value !== null && typeof value === 'object' && typeof (value as Partial<Connection>).prependListener === 'function'
  );
}
