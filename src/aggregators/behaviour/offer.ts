import { createHash } from 'node:crypto';
import type { Consent, PenstockEvent, TopicMessage } from '../../events/index.js';
import type { BehaviourDefinition } from '../../shared/config/index.js';
import type { Observation } from '../metrics/define.js';
import { plainValue, type Value } from './conditions.js';
import type { MadeOffer } from './machine.js';
import type { WaitingOffer } from './saved.js';

/** The type of what the detector makes. It never looks at events of this type, so an offer leads to no other. */
export const OFFER_TYPE = 'offer_made';

const MAX_PURPOSES = 50;

/**
 * The message of an offer. Everything in it is of the event that led to it, so that the same events make the same
 * message again. Its id is of the visitor, the behaviour and the window on the clock that the event is in: offers of
 * one behaviour to one visitor are a window apart, so each has an id of its own; and whoever judges the same events
 * anew, without knowing what was offered, or by a definition that was changed, can send no second one for a window.
 */
export function offerMessage(
  { name, windowMs }: Pick<BehaviourDefinition, 'name' | 'windowMs'>,
  { action, items }: MadeOffer,
  observation: Observation,
): WaitingOffer {
  const { event, timeMs, enqueuedAtMs, visitor } = observation;
  const key = JSON.stringify([name, windowMs, visitor, Math.floor(timeMs / windowMs)]);
  const id = `offer:${createHash('sha256').update(key).digest('hex')}`;
  const { anonymousId, userId, sessionId, consent } = event.data;
  const [source, user, traceparent] = [event.source, userId, event.traceparent].map(textOf);
  const country = textOf(event.data.context?.country);
  const made: PenstockEvent = {
    specversion: '1.0',
    id,
    source: source ?? 'penstock',
    type: OFFER_TYPE,
    time: new Date(timeMs).toISOString(),
    ...known({ subject: user ?? textOf(anonymousId), traceparent }),
    data: {
      ...known({ anonymousId: textOf(anonymousId), userId: user, sessionId: textOf(sessionId) }),
      ...known({ consent: consentOf(consent) }),
      context: contextOf(event),
      properties: {
        ...action.properties,
        offer: action.name,
        behaviour: name,
        ...(items.length === 0 ? {} : { items }),
      },
      receivedAt: new Date(enqueuedAtMs).toISOString(),
    },
  };
  const applicationProperties: TopicMessage['applicationProperties'] = {
    type: OFFER_TYPE,
    source: made.source,
    offer: action.name,
    ...known({ country, userId: user, traceparent }),
  };
  return { timeMs, message: { body: JSON.stringify(made), messageId: id, applicationProperties } };
}

/** The device too: without it a visitor would be counted as one who has another. */
function contextOf({ data: { context } }: PenstockEvent): PenstockEvent['data']['context'] {
  const fields = { ip: context?.ip, country: context?.country, device: context?.device, locale: context?.locale };
  const texts = Object.entries(fields).map(([name, value]): [string, Value | undefined] => [name, textOf(value)]);
  return known(Object.fromEntries(texts));
}

/** Whoever makes use of an offer must be able to tell whether the visitor agreed. */
function consentOf(consent: unknown): Consent | undefined {
  if (consent === null || typeof consent !== 'object') return undefined;
  const answers = Object.entries(consent).filter((entry): entry is [string, boolean] => typeof entry[1] === 'boolean');
  return answers.length === 0 ? undefined : Object.fromEntries(answers.slice(0, MAX_PURPOSES));
}

/** Another producer may send anything there. */
const textOf = (value: unknown): string | undefined => {
  const known = plainValue(value);
  return typeof known === 'string' ? known : undefined;
};

type Known<T> = { [Key in keyof T]?: NonNullable<T[Key]> };

const known = <T extends object>(fields: T): Known<T> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Known<T>;
