import { createGenerations } from '../../shared/remember.js';
import { Problem } from '../problem.js';
import type { SharedCounts } from './shared-counts.js';
import { fullBucket, type Rate, spend, type TokenBucket, waitMsOf } from './token-bucket.js';

export interface RateOptions {
  /** Of all that use the key together. */
  readonly rate?: Rate | undefined;
  /** Of each client address. */
  readonly clientRate?: Rate | undefined;
}

export interface Rates {
  /** Whether a client may send anything now; costs nothing. */
  look(clientAddress: string | undefined, nowMs: number): Problem | undefined;
  /** Takes the events of a request, or says when they may come again. What is refused costs nothing. */
  take(clientAddress: string | undefined, count: number, nowMs: number): Problem | undefined;
}

/** How many clients a key remembers, at the most twice: one that was forgotten starts with a full burst. */
const CLIENTS_REMEMBERED = 10_000;

/** The token buckets of one key. Undefined when it has none: then there is nothing to ask. */
export function createRates(
  { rate, clientRate }: RateOptions,
  shared?: { readonly counts: SharedCounts | undefined; readonly name: string },
): Rates | undefined {
  if (rate === undefined && clientRate === undefined) return undefined;
  const ofKey: Limit[] = [];
  const clients = createGenerations<Limit>(CLIENTS_REMEMBERED);

  const clientLimit = (clientRate: Rate, address: string, nowMs: number): Limit => {
    const client = clientKeyOf(address);
    const known = clients.get(client);
    if (known !== undefined) return known;
    const limit = { whose: 'this client', rate: clientRate, bucket: fullBucket(clientRate, nowMs) };
    clients.set(client, limit);
    return limit;
  };

  const limitsOf = (address: string | undefined, nowMs: number): readonly Limit[] => {
    if (rate !== undefined && ofKey.length === 0)
      ofKey.push({ whose: 'this write key', rate, bucket: fullBucket(rate, nowMs) });
    if (clientRate === undefined || address === undefined) return ofKey;
    return [...ofKey, clientLimit(clientRate, address, nowMs)];
  };

  // What others let pass leaves a debt here, so that it holds up what comes next.
  const tell = shared?.counts?.open(`rate ${shared.name}`, (address, count, nowMs) => {
    for (const { bucket } of limitsOf(address === '' ? undefined : address, nowMs)) spend(bucket, count);
  });

  return {
    look: (address, nowMs) => refusalOf(limitsOf(address, nowMs), 1, nowMs),
    take(address, count, nowMs) {
      const limits = limitsOf(address, nowMs);
      const refusal = refusalOf(limits, count, nowMs);
      if (refusal !== undefined) return refusal;
      for (const { bucket } of limits) spend(bucket, count);
      tell?.(clientRate === undefined || address === undefined ? '' : clientKeyOf(address), count);
      return undefined;
    },
  };
}

interface Limit {
  readonly whose: string;
  readonly rate: Rate;
  readonly bucket: TokenBucket;
}

/** The longest wait of all limits, as a refusal; undefined when none of them makes the events wait. */
function refusalOf(limits: readonly Limit[], count: number, nowMs: number): Problem | undefined {
  let longestMs = 0;
  let whose = '';
  for (const limit of limits) {
    const waitMs = waitMsOf(limit.bucket, limit.rate, count, nowMs);
    if (waitMs <= longestMs) continue;
    longestMs = waitMs;
    whose = limit.whose;
  }
  return longestMs === 0 ? undefined : tooMany(whose, longestMs);
}

function tooMany(whose: string, waitMs: number): Problem {
  return new Problem(
    'PS_RATE_LIMITED',
    `More events than ${whose} may send; nothing of this request was accepted`,
    Math.ceil(waitMs / 1000),
  );
}

/** An IPv6 client has a /64 to itself (RFC 6177) and could otherwise be a new one with every request. */
function clientKeyOf(address: string): string {
  if (!address.includes(':') || address.startsWith('::ffff:')) return address;
  const [head = '', tail] = address.split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const tailGroups = tail === '' ? [] : tail.split(':');
    while (groups.length + tailGroups.length < 8) groups.push('0');
    groups.push(...tailGroups);
  }
  return groups.slice(0, 4).join(':');
}
