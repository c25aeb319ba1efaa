import type { Answer } from './queue.js';

/** Browsers let all requests of a page that outlive it together be 64 KiB; a character is 3 bytes at the worst. */
const KEEPALIVE_CHARACTERS = 21_000;

/**
 * `text/plain`, which text is without being told, with the key in the query is a "simple" request: the browser sends it
 * to another origin without asking first (CORS preflight), for which a page that goes away has no time.
 */
export async function post(url: string, body: string): Promise<Answer> {
  try {
    const response = await fetch(url, { method: 'POST', body, keepalive: body.length < KEEPALIVE_CHARACTERS });
    return {
      code: response.status,
      retryAfter: response.headers.get('retry-after'),
      // Another collector may answer anything.
      outcomes: (await response.json().catch(() => null))?.results,
    };
  } catch {
    // A page that goes away is told that its request has failed, when the browser has only taken it over. It has no later.
    await new Promise((later) => setTimeout(later));
    return {};
  }
}

/**
 * Runs the task unless another page of the site is running one. Web Locks are there on secure origins only, and in no
 * sandboxed frame.
 */
export async function exclusively(task: () => Promise<void>): Promise<void> {
  try {
    await navigator.locks.request('_penstock', { ifAvailable: true }, (lock) => lock && task());
  } catch {
    await task();
  }
}
