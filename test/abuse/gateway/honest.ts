import { Agent, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { wait } from '../../crash/support/wait.js';
import { STEADY_KEY } from './steady.js';

/** How long an honest client waits for an answer before it sends the same again. */
export const CLIENT_TIMEOUT_MS = 10_000;
const VIEWS_PER_REQUEST = 4;
const PAUSE_MS = 20;

export interface HonestResult {
  /** Ids that were answered as accepted, or as a duplicate of what was. */
  readonly views: readonly string[];
  readonly orders: readonly string[];
  /** Answers that did not come in time, or broke off. */
  readonly unanswered: number;
  /** From the first time that a request was sent until all of its events were accepted. */
  readonly longestMs: number;
  readonly violations: readonly string[];
}

type Outcome = 'timeout' | 'broken' | readonly { readonly id: string; readonly outcome: string }[];

/** Posts orders among page views over a connection of its own, and sends again, under the same ids, what was not accepted. */
export async function runHonestClient(url: string, name: string, over: () => boolean): Promise<HonestResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const views: string[] = [];
  const orders: string[] = [];
  const violations: string[] = [];
  let unanswered = 0;
  let longestMs = 0;
  for (let number = 0; !over(); number++) {
    let waiting = eventsOf(`${name}-${number}`);
    const startMs = performance.now();
    let timeouts = 0;
    while (waiting.length > 0) {
      const outcome = await post(url, agent, JSON.stringify(waiting));
      timeouts = outcome === 'timeout' ? timeouts + 1 : 0;
      if (typeof outcome === 'string') unanswered++;
      if (timeouts === 2) violations.push(`${name} waited twice in a row: ${waiting.map(({ id }) => id)}`);
      const done = new Set(typeof outcome === 'string' ? [] : outcome.filter(isKept).map(({ id }) => id));
      for (const { id, type } of waiting) if (done.has(id)) (type === 'purchase' ? orders : views).push(id);
      waiting = waiting.filter(({ id }) => !done.has(id));
      await wait(PAUSE_MS);
    }
    longestMs = Math.max(longestMs, performance.now() - startMs);
  }
  agent.destroy();
  return { views, orders, unanswered, longestMs, violations };
}

const isKept = ({ outcome }: { readonly outcome: string }) => outcome === 'accepted' || outcome === 'duplicate';

const eventsOf = (name: string) => [
  { id: `order-${name}`, type: 'purchase', properties: { transaction_id: name, value: 1, currency: 'EUR' } },
  ...Array.from({ length: VIEWS_PER_REQUEST }, (_, index) => ({
    ...{ id: `view-${name}-${index}`, type: 'page_view', anonymousId: name },
  })),
];

function post(url: string, agent: Agent, body: string): Promise<Outcome> {
  return new Promise((resolve) => {
    const signal = AbortSignal.timeout(CLIENT_TIMEOUT_MS);
    const fail = () => resolve(signal.aborted ? 'timeout' : 'broken');
    const headers = { authorization: `Bearer ${STEADY_KEY}`, 'content-type': 'application/json' };
    const posting = request(`${url}/v1/events`, { method: 'POST', headers, agent, signal }, (response) => {
      text(response).then((answer) => resolve(response.statusCode === 200 ? JSON.parse(answer).results : []), fail);
    });
    posting.on('error', fail);
    posting.end(body);
  });
}
