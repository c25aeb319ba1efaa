import { type Answer, REQUEST_TIMEOUT_MS } from './queue.js';

/** Browsers let all requests of a page that outlive it together be 64 KiB; a character is 3 bytes at the worst. */
const KEEPALIVE_CHARACTERS = 21_000;

/**
 * `text/plain`, which text is without being told, with the key in the query is a "simple" request: the browser sends it
 * to another origin without asking first (CORS preflight), for which a page that goes away has no time.
 */
export async function post(url: URL, body: string): Promise<Answer> {
  try {
    const response = await fetch(url, {
      ...{ method: 'POST', body, keepalive: body.length < KEEPALIVE_CHARACTERS },
      signal: AbortSignal.timeout?.(REQUEST_TIMEOUT_MS),
    });
    return {
      code: response.status,
      retryAfter: response.headers.get('retry-after'),
      // Another collector may answer anything.
      outcomes: (await response.json().catch(() => null))?.results,
    };
  } catch {
    // A page that goes away is told that its request has failed, when the browser has only taken it over. It has no later.
    return new Promise((later) => setTimeout(later, 0, {}));
  }
}

/**
 * Runs the task when no other page of the site is running one. Web Locks are there on secure origins only, and in no
 * sandboxed frame.
 */
export const exclusively = (task: () => Promise<void>): Promise<void> =>
  (navigator.locks as LockManager | undefined)?.request('_penstock', task).catch(task) ?? task();
