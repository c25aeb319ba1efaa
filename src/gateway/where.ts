import { messageIdOf } from '../events/index.js';
import type { Recall, Remembered } from './recall/index.js';
import type { Spool, SpooledState } from './spool/index.js';

/** Where an event is, as the gateway remembers it. Times are ISO 8601. */
export interface Whereabouts {
  readonly id: string;
  /** The newest first; several when it was sent several times, or by several sources. */
  readonly outcomes: readonly OutcomeOfEvent[];
  /** How far back is remembered: ids of accepted events, and all that is known otherwise. */
  readonly remembers: {
    readonly acceptedIds: number;
    readonly acceptedSince: string | null;
    readonly others: number;
    readonly othersSince: string | null;
  };
}

interface OutcomeOfEvent {
  readonly source: string;
  /** Of a look-up by an order's key it is another than that; absent where it is not known any more. */
  readonly eventId?: string;
  readonly outcome: string;
  readonly receivedAt: string;
  /** When it was durable, or refused. */
  readonly settledAt: string;
  readonly reason?: string;
  readonly durability?: string;
  /** Of what was taken on the gateway's own disk: what became of it there. */
  readonly spool?: SpooledState;
  readonly destination?: string;
  readonly partition?: number;
  readonly messageId?: string;
  readonly duplicateOf?: { readonly id?: string; readonly settledAt: string };
}

const iso = (ms: number): string => new Date(ms).toISOString();
const isoOrNull = (ms: number | undefined) => (ms === undefined ? null : iso(ms));

export function createWhereIs(recall: Pick<Recall, 'find' | 'report'>, spool: Pick<Spool, 'stateOf'> | undefined) {
  return function whereIs(id: string): Whereabouts {
    const { ids, idsSinceMs, events, eventsSinceMs } = recall.report();
    return {
      id,
      outcomes: recall.find(id).map((one) => describe(id, one)),
      remembers: {
        ...{ acceptedIds: ids, acceptedSince: isoOrNull(idsSinceMs) },
        ...{ others: events, othersSince: isoOrNull(eventsSinceMs) },
      },
    };
  };

  function describe(id: string, { source, outcome, reason, atMs, receivedAtMs, ...more }: Remembered): OutcomeOfEvent {
    const { id: eventId, destination, partition, order, of } = more;
    const isAccepted = outcome === 'accepted';
    const taken = { fromMs: receivedAtMs, toMs: atMs };
    const lane = destination && { destination, lane: partition === undefined ? 'all' : String(partition) };
    return {
      ...(eventId === undefined ? {} : { eventId }),
      ...{ source, outcome, receivedAt: iso(receivedAtMs), settledAt: iso(atMs) },
      ...(isAccepted ? { durability: reason } : { reason }),
      ...(isAccepted && reason === 'spool' && lane && spool ? { spool: spool.stateOf(lane, taken) } : {}),
      ...(destination === undefined ? {} : { destination }),
      ...(partition === undefined ? {} : { partition }),
      ...(destination?.startsWith('topic:') ? messageOf(id, order, more.hasOrder) : {}),
      ...(of === undefined
        ? {}
        : { duplicateOf: { ...(of.id === undefined ? {} : { id: of.id }), settledAt: iso(of.atMs) } }),
    };
  }
}

/** In doubt it is still waiting. */
const SPOOLED: readonly SpooledState[] = ['delivered', 'set_aside', 'waiting'];

/**
 * What several processes of one gateway remember, together. Each knows of what the others have accepted, but only who has an
 * event in its spool knows what became of it there, and only who answered for an order may know its number.
 */
export function mergeWhereabouts(id: string, all: readonly (Whereabouts | undefined)[]): Whereabouts {
  const told = all.filter((one) => one !== undefined);
  const outcomes = new Map<string, OutcomeOfEvent>();
  for (const one of told.flatMap(({ outcomes }) => outcomes)) {
    const key = [one.source, one.outcome, one.reason, one.destination, one.receivedAt, one.settledAt].join(' ');
    const known = outcomes.get(key);
    outcomes.set(key, known === undefined ? one : togetherOf(known, one));
  }
  const since = (times: readonly (string | null)[]) => times.filter((time) => time !== null).sort();
  return {
    id,
    outcomes: [...outcomes.values()].sort((a, b) =>
      a.settledAt < b.settledAt ? 1 : a.settledAt > b.settledAt ? -1 : 0,
    ),
    remembers: {
      acceptedIds: Math.max(0, ...told.map(({ remembers }) => remembers.acceptedIds)),
      acceptedSince: since(told.map(({ remembers }) => remembers.acceptedSince))[0] ?? null,
      others: told.reduce((sum, { remembers }) => sum + remembers.others, 0),
      // As far back as all of them remember.
      othersSince: since(told.map(({ remembers }) => remembers.othersSince)).at(-1) ?? null,
    },
  };
}

function togetherOf(one: OutcomeOfEvent, other: OutcomeOfEvent): OutcomeOfEvent {
  const states = SPOOLED.filter((state) => state === one.spool || state === other.spool);
  return { ...one, ...other, ...(states.length === 0 ? {} : { spool: states.at(-1) as SpooledState }) };
}

/** Of an order whose number is forgotten, nothing is said: its message's id is not that of the event. */
function messageOf(id: string, order: string | undefined, hasOrder: boolean | undefined) {
  if (order !== undefined) return { messageId: messageIdOf(order) };
  return hasOrder ? {} : { messageId: messageIdOf(id) };
}
