import type { Answer } from './queue.js';

/** Bodies beyond it are refused by the browser when they are to outlive the page. */
const KEEPALIVE_BYTES = 60_000;

export interface Transport {
  post(body: string): Promise<Answer>;
  beacon(body: string): boolean;
}

/**
 * `text/plain` with the key in the query is a "simple" request: the browser sends it to another origin without asking
 * first (CORS preflight), and a beacon can carry nothing else.
 */
export function createTransport(url: string): Transport {
  const blobOf = (body: string) => new Blob([body], { type: 'text/plain' });
  return {
    async post(body) {
      try {
        const blob = blobOf(body);
        const response = await fetch(url, {
          method: 'POST',
          body: blob,
          credentials: 'omit',
          keepalive: blob.size < KEEPALIVE_BYTES,
        });
        return {
          status: response.status,
          retryAfter: response.headers.get('retry-after'),
          again: response.ok ? retryableOf(await response.text()) : [],
        };
      } catch {
        return { status: 0 };
      }
    },
    beacon: (body) => navigator.sendBeacon(url, blobOf(body)),
  };
}

/** Of the results in an answer, which event was not taken but may be later. Another collector may answer anything. */
function retryableOf(answer: string): boolean[] {
  try {
    const { results } = JSON.parse(answer) as { results: readonly { readonly retryable?: boolean }[] };
    return results.map(({ retryable }) => retryable === true);
  } catch {
    return [];
  }
}
