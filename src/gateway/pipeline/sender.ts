import type { EventContext } from '../../events/index.js';
import type { Enricher } from '../enrich/enricher.js';
import { createQuota } from '../policy/quota.js';
import { createRates, type Rates } from '../policy/rates.js';
import type { SharedCounts } from '../policy/shared-counts.js';
import type { Client } from './client.js';
import { createJudge, type Judge, type JudgeDeps } from './judge.js';
import type { Source, WriteKey } from './source.js';

/** What a write key may do, made ready once. What its source does not use is undefined and costs nothing. */
export interface Sender {
  readonly source: string;
  readonly origins: ReadonlySet<string> | undefined;
  readonly rates: Rates | undefined;
  readonly takeQuota: ((nowMs: number) => boolean) | undefined;
  /** What its events take from the request that carries them, by the policy of the source. */
  readonly contextOf: (client: Client) => EventContext;
  readonly judge: Judge | undefined;
}

export interface SenderDeps extends JudgeDeps {
  /** Where several processes are one gateway. */
  readonly counts?: SharedCounts | undefined;
}

/** Every write key of every source, and what it may do. */
export function createSenders(sources: readonly Source[], deps: SenderDeps): ReadonlyMap<string, Sender> {
  const senders = new Map<string, Sender>();
  for (const source of sources) {
    const shared = {
      source: source.name,
      origins: source.origins === undefined ? undefined : new Set(source.origins),
      takeQuota: createQuota(source.eventsPerDay, { counts: deps.counts, name: source.name }),
    };
    if (source.writeKey !== undefined)
      senders.set(source.writeKey, { ...shared, ...rightsOf(source, undefined, deps) });
    for (const key of source.keys ?? []) senders.set(key.writeKey, { ...shared, ...rightsOf(source, key, deps) });
  }
  return senders;
}

/** What a server of this source may do that needs no write key, since it signs what it sends. */
export function createServerSender(source: Source, deps: SenderDeps): Sender {
  return {
    source: source.name,
    origins: undefined,
    takeQuota: createQuota(source.eventsPerDay, { counts: deps.counts, name: `${source.name} webhooks` }),
    ...rightsOf(source, { writeKey: '', kind: 'server' }, deps),
  };
}

function rightsOf(source: Source, key: WriteKey | undefined, deps: SenderDeps) {
  // Not the key itself, which is a secret.
  const name = `${source.name} ${key === undefined ? '' : source.keys?.indexOf(key)}`;
  return {
    rates: createRates(key ?? {}, { counts: deps.counts, name }),
    contextOf: createContextOf(source, key?.kind === 'server', deps.enricher),
    judge: createJudge(source, key, deps),
  };
}

const NOTHING: EventContext = {};

function createContextOf(source: Source, isServer: boolean, enricher: Enricher): (client: Client) => EventContext {
  // A server's own address and agent are not its visitors'.
  if (isServer) return () => NOTHING;
  const addsCountry = source.country === true;
  const keepsIp = source.privacy?.ip !== 'none';
  if (!addsCountry && keepsIp) return (client) => client.context;
  return ({ context }) => {
    const { ip, ...rest } = context;
    const country = addsCountry && ip !== undefined ? enricher.countryOf(ip) : undefined;
    return {
      ...rest,
      ...(keepsIp && ip !== undefined ? { ip } : {}),
      ...(country === undefined ? {} : { country }),
    };
  };
}
