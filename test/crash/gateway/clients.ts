import type { Random } from '../support/random.js';
import { wait } from '../support/wait.js';
import type { GatewayLedger, Kind, SentEvent } from './ledger.js';

export const WRITE_KEY = 'write-key-of-the-crash-run';

/** What a request carries: with both its answer waits for both brokers. */
type Cargo = Kind | 'both';

/** What the run needs to know of what clients saw. */
interface Progress {
  /** Of requests that were sent after `since`: how many were answered with everything in its broker. */
  inBroker(kind: Kind, since: number): number;
  /** The same for everything on the gateway's disk. */
  inSpool(kind: Kind, since: number): number;
  /** Refusals that are worth another try. */
  refused(): number;
}

export interface Clients {
  readonly progress: Progress;
  /** Lets every client come to an answer for what it has sent, and end. Resolves with false when one does not. */
  finish(limitMs: number): Promise<boolean>;
}

export interface ClientsDeps {
  readonly url: string;
  readonly ledger: GatewayLedger;
  /** One for each client, so that a seed draws the same for each. */
  readonly randomOf: (client: number) => Random;
}

const CARGOES: readonly Cargo[] = ['order', 'order', 'view', 'view', 'both'];
const VISITORS_EACH = 3;
const LARGEST_BATCH = 20;
/** Longer than any answer takes that comes. */
const ANSWER_MS = 4_000;
const LONGEST_PAUSE_MS = 25;
const RETRY_PAUSE_MS = 30;
/** A client that has no answer by then goes on, and never knows; some of the time. */
const TRIES = 12;
const SHARE_BAD = 0.03;
const SHARE_AGAIN = 0.1;

interface Result {
  readonly id: string;
  readonly outcome: string;
  readonly durability?: 'broker' | 'spool';
  readonly retryable?: boolean;
}

/** One answered request, for the progress. */
interface Answered {
  readonly sentAtMs: number;
  readonly cargo: Cargo;
  readonly durability: 'broker' | 'spool' | 'mixed';
}

/** Sends until it is told to finish: one request after the other, each after the answer of the one before. */
export function startClients({ url, ledger, randomOf }: ClientsDeps): Clients {
  const answered: Answered[] = [];
  let refusals = 0;
  let finishing = false;

  /** One attempt. Answers which events want another one. */
  async function attempt(cargo: Cargo, events: readonly SentEvent[], bodies: ReadonlyMap<string, object>) {
    const sentAtMs = performance.now();
    ledger.sending(events);
    const response = await fetch(`${url}/v1/events`, {
      method: 'POST',
      headers: { authorization: `Bearer ${WRITE_KEY}`, 'content-type': 'application/json' },
      body: JSON.stringify(events.map(({ id }) => bodies.get(id))),
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    const text = await response.text();
    if (response.status === 429 || response.status === 503 || response.status === 504) {
      refusals++;
      return events;
    }
    if (response.status !== 200) {
      ledger.broken(`the gateway answered ${response.status}: ${text.slice(0, 200)}`);
      return [];
    }
    const { results } = JSON.parse(text) as { results: readonly Result[] };
    if (results.some(({ id }, index) => id !== events[index]?.id) || results.length !== events.length)
      ledger.broken(`the answer is not about what was sent: ${text.slice(0, 200)}`);
    return note(cargo, { events, results, sentAtMs });
  }

  function note(
    cargo: Cargo,
    { events, results, sentAtMs }: { events: readonly SentEvent[]; results: readonly Result[]; sentAtMs: number },
  ): readonly SentEvent[] {
    const again = new Set<string>();
    const durabilities = new Set<string>();
    for (const { id, outcome, durability, retryable } of results) {
      if (retryable) again.add(id);
      else if (outcome === 'accepted' || outcome === 'duplicate' || outcome === 'rejected')
        ledger.answered(id, outcome);
      else ledger.broken(`${id} was answered as ${outcome}`);
      if (durability !== undefined) durabilities.add(durability);
    }
    if (again.size > 0) refusals++;
    const [only] = durabilities;
    const durability = durabilities.size === 1 ? (only as 'broker' | 'spool') : 'mixed';
    if (again.size === 0) answered.push({ sentAtMs, cargo, durability });
    return events.filter(({ id }) => again.has(id));
  }

  async function run(client: number, cargo: Cargo): Promise<void> {
    const random = randomOf(client);
    const draw = createDraw(client, cargo, random);
    let before: readonly SentEvent[] = [];
    while (!finishing) {
      const fresh = draw.next();
      // Now and then what was answered goes again, as from a client that did not read it.
      let open: readonly SentEvent[] = before.length > 0 && random.chance(SHARE_AGAIN) ? before : fresh;
      for (let tries = 0; open.length > 0 && (tries < TRIES || finishing); tries++) {
        open = await attempt(cargo, open, draw.bodies).catch(() => open);
        if (open.length > 0) await wait(RETRY_PAUSE_MS * (tries + 1));
      }
      before = fresh;
      draw.forget(before);
      await wait(random.below(LONGEST_PAUSE_MS));
    }
  }

  const running = CARGOES.map((cargo, client) => run(client, cargo));
  const count = (durability: Answered['durability']) => (kind: Kind, since: number) =>
    answered.filter((one) => one.cargo === kind && one.durability === durability && one.sentAtMs >= since).length;
  return {
    progress: { inBroker: count('broker'), inSpool: count('spool'), refused: () => refusals },
    async finish(limitMs) {
      finishing = true;
      const ended = Promise.all(running).then(() => true);
      return Promise.race([ended, wait(limitMs).then(() => false)]);
    },
  };
}

/** Draws what a client sends: events of visitors that nobody else speaks for. */
function createDraw(client: number, cargo: Cargo, random: Random) {
  const bodies = new Map<string, object>();
  let next = 0;

  function add(kind: Kind): SentEvent {
    const id = `${kind}-${client}-${next++}`;
    const visitor = `visitor-${client}-${random.below(VISITORS_EACH)}`;
    // Sound but for one field, which nobody takes.
    const bad = random.chance(SHARE_BAD);
    bodies.set(id, kind === 'order' ? orderOf(id, visitor, bad) : viewOf(id, visitor, bad));
    return { id, kind, visitor };
  }
  const views = () => Array.from({ length: 1 + random.below(LARGEST_BATCH) }, () => add('view'));

  return {
    bodies,
    next(): readonly SentEvent[] {
      if (cargo === 'order') return [add('order')];
      return cargo === 'view' ? views() : [...views(), add('order')];
    },
    /** Bodies of all but these are needed no more. */
    forget(kept: readonly SentEvent[]): void {
      const ids = new Set(kept.map(({ id }) => id));
      for (const id of bodies.keys()) if (!ids.has(id)) bodies.delete(id);
    },
  };
}

const viewOf = (id: string, anonymousId: string, bad: boolean) => ({
  id,
  type: 'page_view',
  anonymousId,
  page: bad ? 5 : { path: `/${id}` },
});

const orderOf = (id: string, anonymousId: string, bad: boolean) => ({
  id,
  type: 'purchase',
  anonymousId,
  properties: { transaction_id: `T-${id}`, value: bad ? 'much' : 1, currency: 'EUR' },
});
