import { randomBytes } from 'node:crypto';
import { type Clock, every } from '../shared/clock.js';
import type { Logger } from '../shared/logger.js';
import { openCountryDatabase } from './enrich/country.js';
import { createEnricher, type Enricher } from './enrich/enricher.js';
import { createSenders, createServerSender, type Sender } from './pipeline/sender.js';
import type { Source } from './pipeline/source.js';
import { createDailyVisitor } from './policy/daily-visitor.js';
import { openEraseList } from './policy/erase-list.js';
import {
  createHotVisitors,
  type HotVisitor,
  type HotVisitorOptions,
  type WatchVisitors,
} from './policy/hot-visitors.js';
import { SALT_BYTES } from './policy/salt-store.js';
import type { SharedCounts } from './policy/shared-counts.js';
import type { WebhookSource } from './webhooks/shop.js';

export interface PolicyDeps {
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  /**
   * The salt of a day (`2026-11-21`), the same for all gateways of a machine, for visitor ids without cookies; without one
   * it is this gateway's own and in memory only.
   */
  readonly saltOf?: (day: string) => Buffer;
}

export interface PolicyOptions {
  readonly sources: readonly Source[];
  /** A file of user ids whose events are dropped. */
  readonly eraseList?: string | undefined;
  /** A file of countries by address, in place of the one that ships with Penstock. */
  readonly countryDatabase?: string | undefined;
  readonly hotVisitors: HotVisitorOptions;
}

export interface Policies {
  readonly enricher: Enricher;
  /** By write key. */
  readonly senders: ReadonlyMap<string, Sender>;
  /** By name: the sources whose shops sign what they send. */
  readonly webhookSources: ReadonlyMap<string, WebhookSource>;
  readonly watchVisitors: WatchVisitors | undefined;
  close(): void;
}

/** How long after midnight the salt of the day before may still be there. */
const SALT_CHECK_INTERVAL_MS = 30_000;

/**
 * What the sources want of their events, made ready. Only what some source asks for is opened.
 * @throws GatewayError PS_ERASE_LIST_UNREADABLE, PS_COUNTRY_DATABASE_UNREADABLE
 */
export async function openPolicies(
  deps: PolicyDeps & {
    readonly countHotVisitor: (source: string) => void;
    /** Where several processes are one gateway. */
    readonly counts?: SharedCounts | undefined;
    /** Makes a key for hashes that nobody is to foresee. */
    readonly newKey: () => readonly [number, number];
  },
  options: PolicyOptions,
): Promise<Policies> {
  const { clock, logger, newKey } = deps;
  const { sources } = options;
  const needsCountries = sources.some((source) => source.country === true);
  const enricher = createEnricher(needsCountries ? openCountryDatabase(options.countryDatabase) : undefined);
  const eraseList =
    options.eraseList === undefined
      ? undefined
      : await openEraseList(options.eraseList, { clock, logger, key: newKey() });

  const dailyVisitor = createDailyVisitor(deps.saltOf ?? (() => randomBytes(SALT_BYTES)));
  // The salt of a day goes with its day, whether events come or not.
  const renew = () => dailyVisitor.renew(clock.now());
  const usesSalts = sources.some((source) => source.privacy?.visitorId === 'daily');
  if (usesSalts) renew();
  const stopRenewing = usesSalts ? every(clock, SALT_CHECK_INTERVAL_MS, renew) : undefined;

  const judgeDeps = { enricher, eraseList, dailyVisitor, counts: deps.counts };
  const signing = sources.flatMap((source) => {
    const { name, webhooks } = source;
    if (webhooks === undefined) return [];
    const { testOrders = 'drop', ...secrets } = webhooks;
    return [[name, { sender: createServerSender(source, judgeDeps), secrets, testOrders }] as const];
  });

  const onHot = (visitor: HotVisitor) => {
    deps.countHotVisitor(visitor.source);
    logger.warn(visitor, 'a visitor sends more than one partition should bear');
  };

  return {
    enricher,
    senders: createSenders(sources, judgeDeps),
    webhookSources: new Map(signing),
    watchVisitors: createHotVisitors(options.hotVisitors, deps.random, onHot, deps.counts),
    close() {
      stopRenewing?.();
      eraseList?.close();
    },
  };
}
