import { createHash } from 'node:crypto';
import type { BehaviourDefinition } from '../../shared/config/index.js';
import type { LatestOffer } from '../../shared/live.js';
import type { Observation } from '../metrics/define.js';
import { createNewest, type Newest, type NewestEntry } from '../windows/newest.js';
import { createMachine, type Step, started } from './machine.js';
import { OFFER_TYPE, offerMessage } from './offer.js';
import { createOutbox, type Outbox } from './outbox.js';
import type { SavedBehaviours } from './saved.js';

export interface BehaviourOptions {
  /** Visitors of a partition that are followed in each behaviour. */
  readonly maxVisitors: number;
  /** Offers of a partition that may wait for the topic. */
  readonly maxWaiting: number;
}

export const defaultBehaviourOptions: BehaviourOptions = Object.freeze({ maxVisitors: 20_000, maxWaiting: 1_000 });

/** The behaviours of the visitors of one partition. */
export interface Behaviours {
  /** Returns false when a visitor could not be followed, since as many as allowed are. */
  observe(observation: Observation): boolean;
  evict(horizonMs: number): void;
  /** The newest transitions: what the metric `offers` shows. */
  readonly transitions: Pick<Newest<unknown, LatestOffer>, 'list' | 'takeDirty' | 'markDirty'>;
  readonly outbox: Outbox;
  save(): SavedBehaviours;
}

/** The list metric that shows them. */
export const TRANSITIONS = 'offers';
const TRANSITIONS_SHOWN = 20;

interface Transition {
  readonly behaviour: string;
  readonly step: Step;
  readonly visitor: string;
  readonly timeMs: number;
}

export function createBehaviours(
  definitions: readonly BehaviourDefinition[],
  options: BehaviourOptions,
  saved: { behaviours?: SavedBehaviours | undefined; transitions?: readonly NewestEntry<unknown>[] | undefined } = {},
): Behaviours {
  const machines = definitions.map((definition) => {
    const id = idOf(definition);
    const known = knownTo(definition, saved.behaviours?.machines ?? {});
    return { id, definition, machine: createMachine(definition, options.maxVisitors, known) };
  });
  const transitions = createNewest<Transition, LatestOffer>(
    { size: TRANSITIONS_SHOWN, uniqueKeys: true, entryOf },
    saved.transitions as readonly NewestEntry<LatestOffer>[] | undefined,
  );
  const outbox = createOutbox(options.maxWaiting, saved.behaviours?.outbox);
  return {
    observe(observation) {
      const { event, visitor, timeMs } = observation;
      if (event.type === OFFER_TYPE) return true;
      let followed = true;
      for (const { id, definition, machine } of machines) {
        const step = machine.observe(observation);
        if (step === 'full') followed = false;
        if (step === undefined || step === 'full') continue;
        const transition = { behaviour: definition.name, step, visitor: visitor ?? '', timeMs };
        transitions.offer(`${id}/${event.id}`, timeMs, transition);
        if (step.offer !== undefined) outbox.add(offerMessage(definition, step.offer, observation));
      }
      return followed;
    },
    evict(horizonMs) {
      for (const { machine } of machines) machine.evict(horizonMs);
    },
    transitions,
    outbox,
    save: () => ({
      machines: Object.fromEntries(machines.map(({ id, machine }) => [id, machine.save()])),
      outbox: [...outbox.peek(options.maxWaiting)],
    }),
  };
}

function entryOf({ behaviour, step, visitor, timeMs }: Transition): LatestOffer {
  const { from, to, offer } = step;
  return {
    time: new Date(timeMs).toISOString(),
    anonymousId: visitor,
    behaviour,
    from,
    to,
    ...(offer === undefined ? {} : { offer: offer.action.name }),
  };
}

/**
 * Name, and a short hash of what decides how far a visitor is. Another one begins anew, since what the states mean may be
 * another; what is offered, and within which time, may change under a visitor.
 */
function idOf({ name, events, refresh, states, transitions }: BehaviourDefinition): string {
  const steps = transitions.map(({ offer: _, ...step }) => step);
  const text = JSON.stringify([events, refresh, states, steps]);
  return `${name}@${createHash('sha256').update(text).digest('hex').slice(0, 8)}`;
}

/** Of a definition that was changed no more is known than who had an offer of it, and when. */
function knownTo(definition: BehaviourDefinition, machines: SavedBehaviours['machines']): SavedMachine {
  const id = idOf(definition);
  if (machines[id] !== undefined) return machines[id];
  const [, former = []] = Object.entries(machines).find(([key]) => key.startsWith(`${definition.name}@`)) ?? [];
  return former.flatMap(([visitor, { offeredMs }]) =>
    offeredMs === undefined ? [] : [[visitor, { ...started(offeredMs), offeredMs }]],
  );
}

type SavedMachine = SavedBehaviours['machines'][string];
