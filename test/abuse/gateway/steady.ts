import { wait } from '../../crash/support/wait.js';

export const STEADY_KEY = 'a-steady-key';

export interface SteadyResult {
  /** Ids that were answered as accepted. */
  readonly accepted: readonly string[];
  /** How often an answer was something else, and the events were sent again. */
  readonly refused: number;
  readonly slowestMs: number;
}

const EVENTS_PER_REQUEST = 5;
const PAUSE_MS = 20;
const MAX_ATTEMPTS = 100;

/** A client that does everything right, and sends again with the same ids what was not accepted. */
export async function runSteadyClient(url: string, over: () => boolean): Promise<SteadyResult> {
  const accepted: string[] = [];
  let refused = 0;
  let slowestMs = 0;

  async function post(ids: readonly string[]): Promise<readonly string[]> {
    const startMs = performance.now();
    const response = await fetch(`${url}/v1/events`, {
      method: 'POST',
      headers: { authorization: `Bearer ${STEADY_KEY}`, 'content-type': 'application/json' },
      body: JSON.stringify(ids.map((id) => ({ type: 'page_view', id, anonymousId: `steady-${id.length}` }))),
    }).catch(() => undefined);
    slowestMs = Math.max(slowestMs, performance.now() - startMs);
    if (response?.status !== 200) return [];
    const { results } = (await response.json()) as { results: { id: string; outcome: string }[] };
    return results.filter(({ outcome }) => outcome === 'accepted' || outcome === 'duplicate').map(({ id }) => id);
  }

  for (let request = 0; !over(); request++) {
    let ids = Array.from({ length: EVENTS_PER_REQUEST }, (_, index) => `steady-${request}-${index}`);
    for (let attempt = 0; ids.length > 0; attempt++) {
      if (attempt === MAX_ATTEMPTS) throw new Error('a client that does everything right is not served');
      const done = new Set(await post(ids));
      accepted.push(...done);
      ids = ids.filter((id) => !done.has(id));
      if (ids.length > 0) refused++;
      await wait(PAUSE_MS);
    }
  }
  return { accepted, refused, slowestMs: Math.round(slowestMs) };
}
