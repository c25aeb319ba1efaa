import { z } from 'zod';
import { backoffMs } from '../shared/backoff.js';
import { type Clock, delay } from '../shared/clock.js';
import { messageOf } from '../shared/errors.js';
import { ImportError } from './errors.js';
import { retryAfterMs } from './retry-after.js';

export interface PosterDeps {
  readonly fetch: typeof globalThis.fetch;
  readonly clock: Clock;
  readonly random: () => number;
}

export interface PosterOptions {
  /** Base URL of the gateway. */
  readonly url: string;
  readonly writeKey: string;
  /** How long one request may take. */
  readonly requestTimeoutMs: number;
  /** How long to keep trying while nothing at all is settled. */
  readonly giveUpAfterMs: number;
}

/** The gateway's word on one event. `unsent`: there is none. */
export type Posted =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'duplicate' }
  | { readonly kind: 'unsent' }
  | { readonly kind: 'dropped' | 'rejected'; readonly reason: string; readonly path?: string };

interface PostResult {
  /** One for each event, in the order given. */
  readonly outcomes: readonly Posted[];
  /** Why events are left unsent; absent when none is, or when the caller's signal ended it. */
  readonly failure?: ImportError;
}

export interface Poster {
  /**
   * Posts events as one request and repeats what did not get through, with the same ids, until every event has an
   * outcome, the time is up or the signal is aborted. A request that is under way is always heard to its end.
   */
  post(events: readonly object[], signal?: AbortSignal): Promise<PostResult>;
  /** Requests sent so far, and how many of them had to be repeated in whole or in part. */
  readonly counts: { readonly requests: number; readonly repeated: number };
}

const RETRY = { firstDelayMs: 200, maxDelayMs: 5_000 };
const MAX_RETRY_AFTER_MS = 60_000;
const UNSENT: Posted = { kind: 'unsent' };

const answerSchema = z.object({
  results: z.array(
    z.object({
      outcome: z.enum(['accepted', 'duplicate', 'rejected', 'dropped']),
      reason: z.string().optional(),
      path: z.string().optional(),
      /** The same event, sent again, may be accepted. */
      retryable: z.boolean().optional(),
    }),
  ),
});
type Result = z.infer<typeof answerSchema>['results'][number];

type Answer =
  | { readonly kind: 'results'; readonly results: readonly Result[]; readonly waitMs?: number }
  | { readonly kind: 'later'; readonly why: string; readonly waitMs?: number }
  | { readonly kind: 'body-refused'; readonly status: number }
  | { readonly kind: 'refused'; readonly error: ImportError };

export function createPoster(deps: PosterDeps, options: PosterOptions): Poster {
  const target = new URL('/v1/events', options.url).href;
  const counts = { requests: 0, repeated: 0 };

  async function request(events: readonly object[]): Promise<Answer> {
    counts.requests += 1;
    const timeout = new AbortController();
    const cancel = deps.clock.setTimer(() => timeout.abort(new Error('no answer in time')), options.requestTimeoutMs);
    try {
      const response = await deps.fetch(target, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${options.writeKey}` },
        body: JSON.stringify(events),
        redirect: 'manual',
        signal: timeout.signal,
      });
      return readAnswer(response, await response.text(), events.length, deps.clock.now());
    } catch (error) {
      // undici says "fetch failed" and keeps what happened in the cause.
      return { kind: 'later', why: messageOf(error instanceof Error && error.cause ? error.cause : error) };
    } finally {
      cancel();
    }
  }

  return {
    counts,
    async post(events, signal) {
      const outcomes: Posted[] = events.map(() => UNSENT);
      // Parts of the batch, as indexes, in order: more than one after the gateway found a request too large.
      const parts: number[][] = [events.map((_, index) => index)];
      let attempt = 0;
      let lastSettledMs = deps.clock.now();
      for (let part = parts[0]; part && part.length > 0; part = parts[0]) {
        if (signal?.aborted) return { outcomes };
        const answer = await request(part.map((index) => events[index] as object));
        if (answer.kind === 'refused') return { outcomes, failure: answer.error };
        if (answer.kind === 'body-refused') {
          parts.splice(0, 1, ...halve(part));
          if (part.length === 1) outcomes[part[0] as number] = { kind: 'rejected', reason: `http_${answer.status}` };
          continue;
        }
        const left = answer.kind === 'results' ? settle(outcomes, part, answer.results) : part;
        if (left.length < part.length) {
          attempt = 0;
          lastSettledMs = deps.clock.now();
        }
        if (left.length === 0) {
          parts.shift();
          continue;
        }
        parts[0] = left;
        counts.repeated += 1;
        if (deps.clock.now() - lastSettledMs >= options.giveUpAfterMs) {
          const why = answer.kind === 'later' ? answer.why : 'it rejects the same events each time, for now';
          return { outcomes, failure: unreachable(options, why) };
        }
        await delay(deps.clock, answer.waitMs ?? backoffMs(attempt, RETRY, deps.random), signal);
        attempt += 1;
      }
      return { outcomes };
    },
  };
}

/** Writes the outcomes that are final and returns the indexes of events that are to be sent again. */
function settle(outcomes: Posted[], part: readonly number[], results: readonly Result[]): number[] {
  return part.filter((index, at) => {
    const { outcome, reason, path, retryable } = results[at] as Result;
    if (outcome === 'rejected' && retryable === true) return true;
    outcomes[index] =
      outcome === 'accepted' || outcome === 'duplicate'
        ? { kind: outcome }
        : { kind: outcome, reason: reason ?? 'no_reason', ...(path !== undefined && { path }) };
    return false;
  });
}

function halve(part: readonly number[]): number[][] {
  if (part.length === 1) return [];
  const middle = Math.ceil(part.length / 2);
  return [part.slice(0, middle), part.slice(middle)];
}

function readAnswer(response: Response, body: string, sent: number, nowMs: number): Answer {
  const { status } = response;
  const waitMs = retryAfterMs(response.headers.get('retry-after'), nowMs, MAX_RETRY_AFTER_MS);
  const wait = waitMs === undefined ? {} : { waitMs };
  if (status === 408 || status === 425 || status === 429 || status >= 500) {
    return { kind: 'later', why: `it answers ${status}`, ...wait };
  }
  if (status === 400 || status === 413 || status === 422) return { kind: 'body-refused', status };
  if (status !== 200)
    return refused(`it answers ${status}${status === 401 || status === 403 ? ': the write key is not valid' : ''}`);
  const parsed = answerSchema.safeParse(parseJson(body));
  if (!parsed.success) return refused('its answer is not one of Penstock');
  const { results } = parsed.data;
  if (results.length !== sent) return refused(`it answers ${results.length} results to ${sent} events`);
  return { kind: 'results', results, ...wait };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const refused = (why: string): Answer => ({
  kind: 'refused',
  error: new ImportError('PS_GATEWAY_REFUSED', `the gateway refuses: ${why}`),
});

const unreachable = (options: PosterOptions, why: string) =>
  new ImportError(
    'PS_GATEWAY_UNREACHABLE',
    `the gateway at ${new URL(options.url).origin} took nothing for ${options.giveUpAfterMs / 1000} s: ${why}`,
  );
