import { MAX_USER_AGENT_LENGTH, truncateIp } from './client.js';
import { type Fields, keepField, type NativeInput, readFields, readText } from './input.js';
import type { DeviceType, EventContext } from './model.js';
import { pointerToken, Rejection, reject } from './rejection.js';

type MutableContext = { -readonly [Key in keyof EventContext]: EventContext[Key] };

const DEVICES: ReadonlySet<unknown> = new Set<DeviceType>(['desktop', 'mobile', 'tablet', 'other']);
const COUNTRY = /^[A-Za-z]{2}$/;
const MAX_CAMPAIGN_FIELDS = 20;
const MAX_CAMPAIGN_LENGTH = 512;

/**
 * Reads the context that an event brings of its own, over that of the request that carried it: a server that forwards
 * events names its visitors' addresses and agents. Of a user agent only the device type is kept. Fields that Penstock
 * does not know are kept in `input.extra`.
 *
 * The last context is remembered: the events of a request mostly say the same, and then share one object.
 */
export function createContextReader(deviceOf: (userAgent: string) => DeviceType) {
  let last: { readonly sent: Fields; readonly request: EventContext; readonly context: EventContext } | undefined;

  return function readContext(input: NativeInput, request: EventContext, depth: number): EventContext | Rejection {
    const value = input.context;
    if (value === null || typeof value !== 'object' || Array.isArray(value)) return reject('invalid_type', '/context');
    const sent = value as Fields;
    if (last !== undefined && last.request === request && saysTheSame(sent, last.sent)) return last.context;
    const context: MutableContext = { ...request };
    let isKnown = true;
    for (const key in sent) {
      const member = sent[key];
      if (member === null) continue;
      const fault = readMember(context, key, member);
      if (fault === 'unknown') {
        isKnown = false;
        const kept = keepField(input, 'context', key, member, depth);
        if (kept) return kept;
      } else if (fault) return fault;
    }
    const userAgent = sent['userAgent'];
    // A device that was sent is what the sender knows better than its user agent tells.
    if (typeof userAgent === 'string' && (sent['device'] ?? null) === null) {
      context.device = deviceOf(userAgent.slice(0, MAX_USER_AGENT_LENGTH));
    }
    if (isKnown) last = { sent, request, context };
    return context;
  };
}

/** Whether two objects have the same fields with the same values; objects in them count as different. */
function saysTheSame(a: Fields, b: Fields): boolean {
  let fields = 0;
  for (const key in a) {
    if (a[key] !== b[key] || !Object.hasOwn(b, key)) return false;
    fields++;
  }
  for (const _ in b) fields--;
  return fields === 0;
}

function readMember(context: MutableContext, key: string, value: unknown): Rejection | 'unknown' | undefined {
  const path = `/context/${key}`;
  switch (key) {
    case 'ip': {
      const ip = typeof value === 'string' && value.length < 64 ? truncateIp(value) : undefined;
      if (ip === undefined) return reject(typeof value === 'string' ? 'invalid_format' : 'invalid_type', path);
      context.ip = ip;
      return undefined;
    }
    case 'userAgent':
      return typeof value === 'string' ? undefined : reject('invalid_type', path);
    case 'country':
      if (typeof value !== 'string' || !COUNTRY.test(value)) return reject('invalid_format', path);
      context.country = value.toUpperCase();
      return undefined;
    case 'device':
      if (!DEVICES.has(value)) return reject('invalid_format', path);
      context.device = value as DeviceType;
      return undefined;
    case 'locale': {
      const locale = readText(value, 64, path);
      if (locale instanceof Rejection) return locale;
      if (locale !== undefined) context.locale = locale;
      return undefined;
    }
    case 'campaign': {
      const campaign = readCampaign(value);
      if (campaign instanceof Rejection) return campaign;
      context.campaign = campaign;
      return undefined;
    }
    default:
      return 'unknown';
  }
}

function readCampaign(value: unknown): Record<string, string> | Rejection {
  const fields = readFields(value, 1, '/context/campaign');
  if (fields instanceof Rejection) return fields;
  const campaign: Record<string, string> = {};
  const entries = Object.entries(fields ?? {});
  if (entries.length > MAX_CAMPAIGN_FIELDS) return reject('too_long', '/context/campaign');
  for (const [key, member] of entries) {
    const text = readText(member, MAX_CAMPAIGN_LENGTH, `/context/campaign${pointerToken(key)}`);
    if (text instanceof Rejection) return text;
    if (text !== undefined) campaign[key] = text;
  }
  return campaign;
}
