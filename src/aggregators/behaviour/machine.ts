import type { BehaviourDefinition } from '../../shared/config/index.js';
import type { Observation } from '../metrics/define.js';
import { compile, propertyOf, type Test, typesOf, type Value } from './conditions.js';
import type { Follow } from './saved.js';

/**
 * One behaviour: for each visitor of a partition how far they are in its sequence. Events are taken in the order in
 * which they are in the partition, which is that of their arrival; the window is measured in their own times, from the
 * oldest to the newest, so an event out of order is in the window or not whenever it comes. Content depends on the
 * events alone.
 */
export interface Machine {
  observe(observation: Observation): Step | 'full' | undefined;
  /** Forgets who no event from `horizonMs` on can lead anywhere. Works once in `EVICT_STEP_MS`. */
  evict(horizonMs: number): void;
  save(): [visitor: string, follow: Follow][];
  readonly size: number;
}

/** A transition that was taken. */
export interface Step {
  readonly from: string;
  readonly to: string;
  /** Made with this step; undefined also when the visitor had one within the window. */
  readonly offer: MadeOffer | undefined;
}

export interface MadeOffer {
  readonly action: NonNullable<BehaviourDefinition['transitions'][number]['offer']>;
  /** What the events of the sequence were about, in their order. */
  readonly items: Follow['items'];
}

/** Eviction looks at every visitor, so it is done in steps of event time. */
const EVICT_STEP_MS = 10 * 60_000;
/** Longest name of a visitor: what the gateway takes. */
const MAX_VISITOR_LENGTH = 256;
const ITEM_FIELDS = ['item_id', 'item_name', 'item_category'] as const;
const MAX_ITEMS = 20;
const FIRST = 0;

interface Transition {
  readonly to: number;
  readonly when: Test;
  readonly remember: readonly (readonly [name: string, property: string])[];
  readonly offer: MadeOffer['action'] | undefined;
}

export function createMachine(
  definition: BehaviourDefinition,
  maxVisitors: number,
  saved: readonly (readonly [string, Follow])[] = [],
): Machine {
  const { states, windowMs, refresh } = definition;
  const types = typesOf(definition.events);
  const isAbout = compile(definition.events);
  const transitions = states.map((state) => transitionsFrom(definition, state));
  const follows = new Map<string, Follow>(saved);
  let evictedMs = Number.NEGATIVE_INFINITY;

  const isWithin = ({ fromMs, toMs }: Follow, timeMs: number) =>
    Math.max(toMs, timeMs) - Math.min(fromMs, timeMs) < windowMs;
  const find = (state: number, memory: Follow['memory'], { event }: Observation) =>
    transitions[state]?.find(({ when }) => when(event, memory));

  /** The sequence goes on; what breaks it is tried as the first step of another. */
  const next = (follow: Follow | undefined, observation: Observation) => {
    if (follow !== undefined && follow.state !== FIRST) {
      const transition = find(follow.state, follow.memory, observation);
      if (transition !== undefined) return { transition, before: follow };
    }
    const transition = find(FIRST, {}, observation);
    return transition && { transition, before: undefined };
  };
  const mayOffer = (offeredMs: number | undefined, timeMs: number) =>
    offeredMs === undefined || timeMs >= offeredMs + windowMs;

  return {
    observe(observation) {
      const { event, visitor, timeMs } = observation;
      if (types !== undefined && !types.has(event.type)) return undefined;
      if (visitor === undefined || visitor.length > MAX_VISITOR_LENGTH || !isAbout(event, {})) return undefined;
      const known = follows.get(visitor);
      const current = known !== undefined && isWithin(known, timeMs) ? known : undefined;
      const value = refresh === undefined ? undefined : propertyOf(event, refresh);
      if (value !== undefined && current?.last === value) return undefined;
      const offeredMs = known?.offeredMs;
      const step = next(current, observation);
      if (step === undefined) {
        if (offeredMs === undefined) follows.delete(visitor);
        else follows.set(visitor, { ...started(timeMs), offeredMs });
        return undefined;
      }
      if (known === undefined && follows.size >= maxVisitors) return 'full';
      const { transition, before } = step;
      const from = before?.state ?? FIRST;
      const follow = continued(before, observation, transition);
      if (value !== undefined) follow.last = value;
      const offers = transition.offer !== undefined && mayOffer(offeredMs, timeMs);
      const offer = offers ? { action: transition.offer as MadeOffer['action'], items: follow.items } : undefined;
      const newest = offers ? timeMs : offeredMs;
      if (newest !== undefined) follow.offeredMs = newest;
      // A sequence that is over leaves no more than what a refresh of its last event is known by.
      const over = transition.to === FIRST;
      follows.set(visitor, over ? { ...follow, fromMs: timeMs, toMs: timeMs, memory: {}, items: [] } : follow);
      return { from: states[from] as string, to: states[transition.to] as string, offer };
    },
    evict(horizonMs) {
      const stepMs = Math.floor(horizonMs / EVICT_STEP_MS) * EVICT_STEP_MS;
      if (stepMs <= evictedMs) return;
      evictedMs = stepMs;
      for (const [visitor, { fromMs, offeredMs }] of follows) {
        if (stepMs - fromMs >= windowMs && mayOffer(offeredMs, stepMs)) follows.delete(visitor);
      }
    },
    save: () => [...follows],
    get size() {
      return follows.size;
    },
  };
}

/** Who has done nothing yet. */
export const started = (timeMs: number): Follow => ({
  state: FIRST,
  fromMs: timeMs,
  toMs: timeMs,
  memory: {},
  items: [],
});

/** `before` with this step taken; a new sequence where there is none. */
function continued(before: Follow | undefined, { event, timeMs }: Observation, transition: Transition): Follow {
  const { fromMs, toMs, memory, items } = before ?? started(timeMs);
  const remembered: Record<string, Value> = { ...memory };
  for (const [name, property] of transition.remember) {
    const value = propertyOf(event, property);
    if (value === undefined) delete remembered[name];
    else remembered[name] = value;
  }
  const item = Object.fromEntries(
    ITEM_FIELDS.flatMap((field) => {
      const value = propertyOf(event, field);
      return value === undefined ? [] : [[field, value]];
    }),
  );
  const isItem = Object.keys(item).length > 0 && items.length < MAX_ITEMS;
  return {
    state: transition.to,
    fromMs: Math.min(fromMs, timeMs),
    toMs: Math.max(toMs, timeMs),
    memory: remembered,
    items: isItem ? [...items, item] : items,
  };
}

function transitionsFrom({ states, transitions }: BehaviourDefinition, state: string): readonly Transition[] {
  return transitions
    .filter(({ from }) => from === state)
    .map(({ to, when, remember = {}, offer }) => ({
      to: states.indexOf(to),
      when: compile(when),
      remember: Object.entries(remember),
      offer,
    }));
}
