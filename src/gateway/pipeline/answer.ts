import { Problem } from '../problem.js';
import { type Failure, isRetryable, NOTHING_SENT, type Settlements } from '../publish/ticket.js';
import type { Prepared } from './prepare.js';

/** What an HTTP answer is made of, before it meets a framework. */
export interface Results {
  /** JSON text: `{"results":[…]}`. */
  readonly json: string;
  /** Set when something of it is worth sending again. */
  readonly retryAfterSeconds: number | undefined;
}

/** One of the results, as JSON.parse gives it back to a route that answers in another protocol's words. */
export interface EventResult {
  readonly id: string | null;
  /** `valid` is the outcome of a dry run only. */
  readonly outcome: 'accepted' | 'duplicate' | 'rejected' | 'dropped' | 'valid';
  readonly durability?: 'broker' | 'spool';
  readonly reason?: string;
  readonly path?: string;
  readonly retryable?: true;
}

const ACCEPTED = ',"outcome":"accepted","durability":"broker"}';
const SPOOLED = ',"outcome":"accepted","durability":"spool"}';
const DUPLICATE = ',"outcome":"duplicate"}';

/**
 * The results of a request, in the order sent. A problem when events failed that may succeed later and not one was
 * accepted: then the whole request is to be sent again.
 */
export function answerOf(
  entries: readonly Prepared[],
  settlements: Settlements,
  retryAfterSeconds: () => number,
): Results | Problem {
  const { failures } = settlements;
  const passing = firstRetryable(failures);
  if (passing !== undefined && failures.size === countSent(entries)) return problemOf(passing, retryAfterSeconds());
  let json = '';
  for (let index = 0; index < entries.length; index++) {
    json += index === 0 ? '{"id":' : ',{"id":';
    json += resultOf(entries[index] as Prepared, index, settlements);
  }
  return {
    json: `{"results":[${json}]}`,
    retryAfterSeconds: passing === undefined ? undefined : retryAfterSeconds(),
  };
}

/** The results of a dry run: what would become of each event. `valid` is one that would be sent; nothing is claimed. */
export function answerOfDryRun(entries: readonly Prepared[]): Results {
  const results = entries.map((entry, index) =>
    typeof entry === 'string' ? `{"id":${entry},"outcome":"valid"}` : `{"id":${resultOf(entry, index, NOTHING_SENT)}`,
  );
  return { json: `{"dryRun":true,"results":[${results.join(',')}]}`, retryAfterSeconds: undefined };
}

function countSent(entries: readonly Prepared[]): number {
  return entries.reduce<number>((count, entry) => count + (typeof entry === 'string' ? 1 : 0), 0);
}

function resultOf(entry: Prepared, index: number, { failures, spooled, known }: Settlements): string {
  if (typeof entry === 'string') {
    const success = known.has(index) ? DUPLICATE : spooled.has(index) ? SPOOLED : ACCEPTED;
    return entry + outcomeOf(failures.get(index), success);
  }
  switch (entry.kind) {
    case 'known':
      return entry.idJson + DUPLICATE;
    case 'repeated':
      return entry.idJson + outcomeOf(failures.get(entry.of), DUPLICATE);
    case 'dropped':
      return `${entry.idJson},"outcome":"dropped","reason":"${entry.reason}"}`;
    case 'rejected': {
      const { reason, path } = entry.rejection;
      return `${entry.idJson},"outcome":"rejected","reason":"${reason}","path":${JSON.stringify(path)}}`;
    }
  }
}

function outcomeOf(failure: Failure | undefined, success: string): string {
  if (failure === undefined) return success;
  return `,"outcome":"rejected","reason":"${failure}"${isRetryable(failure) ? ',"retryable":true' : ''}}`;
}

function firstRetryable(failures: Settlements['failures']): Failure | undefined {
  for (const failure of failures.values()) if (isRetryable(failure)) return failure;
  return undefined;
}

function problemOf(failure: Failure, retryAfterSeconds: number): Problem {
  switch (failure) {
    case 'overloaded':
      return new Problem('PS_OVERLOADED', 'Nothing of this request was accepted; send it again', retryAfterSeconds);
    case 'timeout':
      return new Problem(
        'PS_BROKER_TIMEOUT',
        'Nobody knows whether the events arrived; send them again with the same ids',
        retryAfterSeconds,
      );
    default:
      return new Problem(
        'PS_BROKER_UNAVAILABLE',
        'Nothing of this request was accepted; send it again with the same ids',
        retryAfterSeconds,
      );
  }
}

export function readResults({ json }: Results): readonly EventResult[] {
  return (JSON.parse(json) as { results: readonly EventResult[] }).results;
}

/**
 * For protocols whose clients can only send a whole request again: the problem when anything in it is worth that. What
 * was accepted comes a second time with the same id, which topic and aggregators know.
 */
export function resendOf(results: Results): Problem | undefined {
  if (results.retryAfterSeconds === undefined) return undefined;
  const isOverload = readResults(results).some(({ reason, retryable }) => retryable && reason === 'overloaded');
  return new Problem(
    isOverload ? 'PS_OVERLOADED' : 'PS_BROKER_UNAVAILABLE',
    'Not all of this request could be kept; send it again with the same ids',
    results.retryAfterSeconds,
  );
}
