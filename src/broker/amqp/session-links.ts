import rhea, { type Sender } from 'rhea';
import type { HeldSession, SessionRuntime } from '../namespace/index.js';
import { type AmqpFault, noSessionInTime, sessionCannotBeLocked, sessionLockLost } from './conditions.js';
import type { ConnectionContext, LinkService } from './context.js';
import { invalidField, wholeProperty } from './properties.js';
import { type Egress, serveQueueEgress } from './queue-egress.js';
import { type HeldAttach, holdAttach } from './transport.js';

const FILTER = 'com.microsoft:session-filter';
const TIMEOUT = 'com.microsoft:timeout';
const LOCKED_UNTIL = 'com.microsoft:locked-until-utc';

/** How long a receiver waits for any session when it does not say; the service has the same. */
const DEFAULT_WAIT_MS = 65_000;
/** The longest that a timer can run. */
const MAX_WAIT_MS = 0x7fff_ffff;
/** Longest session id, as for messages. */
const MAX_ID_LENGTH = 128;

/** Which session a receiver asks for: null for any. Undefined when it does not ask for one. */
export function sessionAskedFor(link: Sender): string | null | undefined | AmqpFault {
  const filter = link.source?.filter as Readonly<Record<string, unknown>> | undefined;
  if (filter === undefined || filter === null || !Object.hasOwn(filter, FILTER)) return undefined;
  const value = filter[FILTER] as { descriptor?: unknown; value?: unknown } | string | null;
  // Some clients describe the value.
  const plain = value !== null && typeof value === 'object' ? (value.value ?? null) : value;
  return plain === null || typeof plain === 'string' ? plain : invalidField(FILTER, 'a session id, or null,');
}

const TICKS_PER_MS = 10_000n;
/** 1970 on the clock of .NET, which begins in the year 1. */
const EPOCH_TICKS = 621_355_968_000_000_000n;

/** A time as the service gives it in link properties: ticks of 100 ns. */
function ticks(ms: number): unknown {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigInt64BE(BigInt(ms) * TICKS_PER_MS + EPOCH_TICKS);
  return rhea.types.wrap_long(bytes as never);
}

type Accepted = HeldSession | AmqpFault;

interface Asking {
  readonly outcome: Promise<Accepted>;
  cancel(): void;
}

function ask(
  context: ConnectionContext,
  sessions: SessionRuntime,
  sessionId: string | null,
  timeoutMs: number,
): Asking {
  if (sessionId !== null) {
    const outcome = sessions.accept(sessionId, context).then((one) => one ?? sessionCannotBeLocked(sessionId));
    return { outcome, cancel() {} };
  }
  const { outcome, cancel } = sessions.acceptNext(timeoutMs, context);
  return {
    outcome: outcome.then((one) => (one.kind === 'accepted' ? one.session : noSessionInTime(timeoutMs))),
    cancel,
  };
}

function answerAttach(attach: HeldAttach, link: Sender, session: HeldSession): void {
  const { sessionId } = session;
  link.set_source({ address: link.source.address, filter: { [FILTER]: sessionId } as never });
  const settled = link.snd_settle_mode === 1 ? { snd_settle_mode: 1 } : {};
  attach.answer({ properties: { [LOCKED_UNTIL]: ticks(session.lockedUntilMs()) }, ...settled });
}

/**
 * Serves a link on which a client receives from a session. The attach is answered once the session is the client's: with
 * its id in the filter of the source, and the end of its lock in the properties of the link.
 */
export function openSessionLink(
  context: ConnectionContext,
  link: Sender,
  sessions: SessionRuntime,
  sessionId: string | null,
): LinkService | AmqpFault {
  if (sessionId !== null && sessionId.length > MAX_ID_LENGTH) {
    const description = `A session id has ${MAX_ID_LENGTH} characters at the most.`;
    return { condition: 'com.microsoft:argument-error', description };
  }
  const waitMs = wholeProperty(link, TIMEOUT) ?? DEFAULT_WAIT_MS;
  if (typeof waitMs === 'object') return waitMs;
  const attach = holdAttach(link);
  const asking = ask(context, sessions, sessionId, Math.min(waitMs, MAX_WAIT_MS));
  let session: HeldSession | undefined;
  let egress: Egress | undefined;
  let left = false;

  const service = {
    resume: () => egress?.resume(),
    detach() {
      if (left) return;
      left = true;
      attach.abandon();
      asking.cancel();
      egress?.detach();
      session?.leave();
    },
  };

  function serve(accepted: HeldSession): void {
    if (left) {
      accepted.leave();
      return;
    }
    session = accepted;
    accepted.onLost(() => {
      service.detach();
      link.close({ ...sessionLockLost });
    });
    answerAttach(attach, link, accepted);
    egress = serveQueueEgress(context, link, accepted);
  }

  asking.outcome.then(
    (outcome) => ('condition' in outcome ? attach.refuse(outcome) : serve(outcome)),
    (error: unknown) => {
      context.onError(error);
      attach.refuse({ condition: 'amqp:internal-error', description: 'The session could not be opened.' });
    },
  );
  return service;
}
