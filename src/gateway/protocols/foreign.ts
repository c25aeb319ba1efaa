import { isIP } from 'node:net';
import { commerceProperties, typeOfName } from './ecommerce.js';
import { compact, type Fields, fieldsOf, setField, textOf } from './fields.js';

/** What the mappings of the foreign protocols share: names, times, the client, the keys of a batch. */

/** A native event as the pipeline takes it, not yet judged. */
export interface NativeEvent {
  readonly type: unknown;
  readonly id?: unknown;
  readonly occurredAt?: unknown;
  readonly sentAt?: unknown;
  readonly anonymousId?: unknown;
  readonly userId?: unknown;
  readonly sessionId?: unknown;
  readonly page?: unknown;
  readonly properties?: unknown;
  readonly context?: unknown;
  readonly consent?: unknown;
}

const ANSWERS: ReadonlySet<unknown> = new Set([true, false, 'granted', 'denied', 'GRANTED', 'DENIED']);

/** The purposes of a foreign object that were clearly agreed to or refused; what else it says stays where it was. */
export function consentOf(value: unknown): Fields | undefined {
  const answers = Object.entries(fieldsOf(value) ?? {}).filter(([, answer]) => ANSWERS.has(answer));
  return answers.length === 0 ? undefined : Object.fromEntries(answers);
}

export interface Named {
  readonly type: unknown;
  readonly properties: Record<string, unknown>;
}

/**
 * The type of an event by the name that its sender gave it, and its properties in the words of that type. `ownTypes` are
 * the names that the protocol itself gives to what its libraries send. Where the type is another, the name is kept.
 */
export function nameEvent(name: unknown, properties: Fields, ownTypes?: ReadonlyMap<unknown, string>): Named {
  if (typeof name !== 'string' || name === '') {
    return { type: name === '' ? undefined : name, properties: { ...properties } };
  }
  // A dollar sign marks a name of the vendor's.
  const type = ownTypes?.get(name) ?? typeOfName(name.startsWith('$') ? name.slice(1) : name, properties) ?? 'track';
  const mapped = commerceProperties(type, properties);
  return { type, properties: type === name ? { ...mapped } : { ...mapped, event_name: name } };
}

/** A copy without the fields that have a place of their own. */
export function without(fields: Fields | undefined, keys: ReadonlySet<string>): Record<string, unknown> {
  const rest: Record<string, unknown> = {};
  for (const key of Object.keys(fields ?? {})) if (!keys.has(key)) setField(rest, key, fields?.[key]);
  return rest;
}

/** Properties to send, or what was sent instead of an object, for the pipeline to refuse. */
export function propertiesOr(sent: unknown, properties: Record<string, unknown>): unknown {
  if (sent !== undefined && sent !== null && fieldsOf(sent) === undefined) return sent;
  return Object.keys(properties).length === 0 ? undefined : properties;
}

/** Seconds since the epoch are below this, milliseconds since 1973 above. */
const SECONDS_BELOW = 1e11;
const NAIVE_TIME = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d(?:\.\d{1,9})?)$/;

/** A time as native events have it: seconds become milliseconds, and a time without a zone is UTC. */
export function timeOf(value: unknown): unknown {
  if (typeof value === 'number') return Math.abs(value) < SECONDS_BELOW ? Math.round(value * 1000) : value;
  if (typeof value !== 'string') return value;
  if (/^\d{9,16}(?:\.\d{1,9})?$/.test(value)) return timeOf(Number(value));
  const naive = NAIVE_TIME.exec(value);
  return naive === null ? value : `${naive[1]}T${naive[2]}Z`;
}

const MAX_LOCALE_LENGTH = 64;
const MAX_CAMPAIGN_LENGTH = 512;
const DEVICES: ReadonlySet<string> = new Set(['desktop', 'mobile', 'tablet', 'other']);

/** Countries by name are left where they are. */
const COUNTRY = /^[A-Za-z]{2}$/;

export interface ForeignContext {
  readonly ip?: unknown;
  readonly userAgent?: unknown;
  readonly locale?: unknown;
  readonly country?: unknown;
  readonly device?: unknown;
  readonly campaign?: Fields | undefined;
}

/**
 * The context of an event, so far as it is sound: a foreign sender knows nothing of Penstock's rules, and a strange
 * locale is no reason to refuse its event.
 */
export function contextOf(sent: ForeignContext): Fields | undefined {
  const ip = textOf(sent.ip);
  const locale = textOf(sent.locale);
  const country = textOf(sent.country);
  const device = textOf(sent.device)?.toLowerCase();
  return compact({
    ip: ip !== undefined && isIP(ip) !== 0 ? ip : undefined,
    userAgent: textOf(sent.userAgent),
    locale: locale !== undefined && locale.length <= MAX_LOCALE_LENGTH ? locale : undefined,
    country: country !== undefined && COUNTRY.test(country) ? country : undefined,
    device: device !== undefined && DEVICES.has(device) ? device : undefined,
    campaign: campaignOf(sent.campaign),
  });
}

function campaignOf(sent: Fields | undefined): Fields | undefined {
  const campaign: Record<string, unknown> = {};
  for (const key of Object.keys(sent ?? {})) {
    const value = textOf(sent?.[key]);
    if (value !== undefined && value.length <= MAX_CAMPAIGN_LENGTH) campaign[key] = value;
  }
  return compact(campaign);
}

/** An address that tells nothing: with it the event has not that of its request either. */
export const NO_ADDRESS = '0.0.0.0';

/** `utm_source` and so on, as Penstock's campaign has them. */
export function utmOf(fields: Fields | undefined): Fields | undefined {
  return compact({
    source: fields?.['utm_source'],
    medium: fields?.['utm_medium'],
    name: fields?.['utm_campaign'],
    term: fields?.['utm_term'],
    content: fields?.['utm_content'],
  });
}

/**
 * The campaign in a page's address, for protocols whose servers read it there. `nameOf` tells what a parameter is called
 * among `utm_…`.
 */
export function campaignOfUrl(url: string | undefined, nameOf = (parameter: string) => parameter): Fields | undefined {
  const query = url?.indexOf('?') ?? -1;
  if (url === undefined || query === -1) return undefined;
  const fields: Record<string, unknown> = {};
  for (const [parameter, value] of new URLSearchParams(url.slice(query + 1).split('#', 1)[0])) {
    const name = nameOf(parameter);
    if (name.startsWith('utm_') && value !== '') fields[name] = value;
  }
  return utmOf(fields);
}
