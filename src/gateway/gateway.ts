import { randomInt } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { createNormaliser, createRouter, type Destination } from '../events/index.js';
import type { HubPublisher, TopicPublisher } from '../messaging/index.js';
import { type Clock, delay, every } from '../shared/clock.js';
import { createUuidV7Source } from '../shared/ids.js';
import { listenError } from '../shared/listen-error.js';
import type { Logger } from '../shared/logger.js';
import { hostToListenOn } from '../shared/loopback.js';
import { createAbout } from './about.js';
import { createApp, type HttpOptions } from './app.js';
import { type CertificateFiles, openCertificate } from './certificate.js';
import { GatewayError } from './errors.js';
import { createGatewayMetrics } from './metrics/index.js';
import type { Peers } from './peers.js';
import { createAdmit } from './pipeline/admit.js';
import { createAuthenticate } from './pipeline/authenticate.js';
import { createDecode } from './pipeline/decode.js';
import { createIngest } from './pipeline/ingest.js';
import { createBound, createParse } from './pipeline/parse.js';
import { createPrepare } from './pipeline/prepare.js';
import { corsOriginsOf } from './plugins/cors.js';
import { openPolicies, type PolicyDeps, type PolicyOptions } from './policies.js';
import { createSharedCounts } from './policy/shared-counts.js';
import { protocols } from './protocols/index.js';
import type { Protocol } from './protocols/protocol.js';
import { LOOPBACK } from './proxies.js';
import { type Budget, createBudget } from './publish/budget.js';
import type { HealthReport } from './publish/health.js';
import { createHubSink } from './publish/hub-sink.js';
import type { OutletDeps } from './publish/outlet.js';
import type { PackingOptions } from './publish/packing.js';
import { createPublisher } from './publish/publisher.js';
import type { Sink } from './publish/sink.js';
import { createTopicSink } from './publish/topic-sink.js';
import { type OpenJournal, openRecall, type Recall, type RecallOptions } from './recall/index.js';
import { openSpool, type Spool, type SpoolDeps, type SpoolLimits, type SpoolStore } from './spool/index.js';
import { createWhereIs } from './where.js';

export interface GatewayDeps extends PolicyDeps {
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  /** Opens the way to a hub or topic that a route names. */
  readonly openHub: (name: string) => HubPublisher;
  readonly openTopic: (name: string) => TopicPublisher;
  /** Opens the disk of the spool; without one, what a broker that is away cannot take is refused. */
  readonly openSpoolStore?: () => Promise<SpoolStore>;
  /** Opens where accepted ids are written down; without it they are forgotten with the process. */
  readonly openJournal?: OpenJournal;
  /** The other processes of this gateway, where it has several. */
  readonly peers?: Peers | undefined;
  /** The foreign protocols that it speaks: all of them, when left out. */
  readonly protocols?: readonly Protocol[];
}

export interface GatewayOptions extends PolicyOptions {
  /** Addresses and networks whose `X-Forwarded-For` is believed; without a list this machine. */
  readonly trustedProxies?: readonly string[] | undefined;
  readonly routes: readonly { readonly match: { readonly type: string }; readonly to: string }[];
  readonly limits: {
    readonly bodyBytes: number;
    readonly decompressedBytes: number;
    readonly eventBytes: number;
    readonly eventsPerRequest: number;
    readonly depth: number;
    readonly pendingBytes: number;
    readonly publishTimeoutMs: number;
  };
  readonly packing: PackingOptions;
  /** How much is kept of what a broker that is away cannot take; with 0 bytes a spool is only emptied. */
  readonly spool: SpoolLimits;
  readonly http: Omit<HttpOptions, 'trustedProxies' | 'origins' | 'bodyBytes' | 'publishTimeoutMs' | 'certificate'>;
  /** HTTPS instead of HTTP. */
  readonly tls?: CertificateFiles | undefined;
  /** How much is remembered of what was accepted. */
  readonly recall: RecallOptions;
}

export interface Gateway {
  /** For tests that inject requests without a socket. */
  readonly app: FastifyInstance;
  /**
   * Resolves with the address, such as `http://127.0.0.1:8080`.
   * @throws ListenError PS_PORT_UNAVAILABLE
   */
  listen(address: { host: string; port: number }): Promise<string>;
  /** Reads again what is read when it changes, without waiting for that: certificate and key. */
  reload(): Promise<void>;
  /** Whether nothing waits on disk; `setAside`: whether something is there that its broker has refused for good. */
  spooled(): { readonly isEmpty: boolean; readonly setAside: boolean };
  /** Takes no new requests, lets those in hand be settled, and closes. Idempotent. */
  stop(options: { deadlineMs: number }): Promise<void>;
}

/** How long the first attempts to connect may hold up the start. */
const FIRST_ATTEMPT_MS = 3_000;

/**
 * The gateway, with each sink's first attempt to connect behind it. A broker that is away then is no error: `/readyz`
 * says so, and the sink comes up by itself.
 * @throws GatewayError PS_GATEWAY_NO_SOURCES, PS_SPOOL_LOCKED, PS_SPOOL_UNUSABLE, PS_ERASE_LIST_UNREADABLE,
 *   PS_COUNTRY_DATABASE_UNREADABLE, PS_TLS_UNUSABLE
 */
export async function createGateway(deps: GatewayDeps, options: GatewayOptions): Promise<Gateway> {
  if (options.sources.length === 0) {
    throw new GatewayError(
      'PS_GATEWAY_NO_SOURCES',
      'no site may send events: give PENSTOCK_SOURCES, such as [{"name":"shop","writeKey":"…"}]',
    );
  }
  const { clock, logger } = deps;
  const { limits } = options;
  const router = createRouter(options.routes);
  const metrics = createGatewayMetrics();
  // First, since a way that is not configured is to be told of before a folder is opened.
  const openers = router.destinations.map((destination) =>
    prepareSink(destination, { ...deps, onBatch: metrics.batch }, options),
  );
  const { openSpoolStore: openStore } = deps;
  const certificate = options.tls === undefined ? undefined : await openCertificate(options.tls, clock, logger);
  const counts = deps.peers === undefined ? undefined : createSharedCounts(clock, deps.peers);
  const policies = await openPolicies({ ...deps, newKey, counts, countHotVisitor: metrics.hotVisitor }, options);
  const disk = await openDisk(openStore && { ...deps, openStore }, options.spool);
  const { kept } = disk;
  const sinks = openers.map((open) => open(disk));
  warnOfStrays(kept, sinks, logger);
  const names = { sources: options.sources.map(({ name }) => name), destinations: sinks.map(({ name }) => name) };
  const recall = await openRecall({ ...deps, newKey }, names, options.recall);
  const { deviceOf } = policies.enricher;
  const budget = createBudget(clock, limits.pendingBytes);
  metrics.watch({ sinks, pendingBytes: budget.pendingBytes, recall: recall.report, certificate, clock });
  const ingest = createIngest(clock, {
    tally: metrics.tally,
    onSettled: metrics.settled,
    admit: createAdmit(clock, createAuthenticate(policies.senders)),
    decode: createDecode(limits, budget.retryAfterSeconds),
    parse: createParse(limits),
    bound: createBound(limits),
    watchVisitors: policies.watchVisitors,
    recall: recall.visit,
    prepare: createPrepare(
      {
        normalise: createNormaliser({ ids: createUuidV7Source(clock.now), deviceOf }, limits),
        router,
        sinks: new Map(sinks.map((sink) => [sink.name, sink])),
      },
      limits,
    ),
    publish: createPublisher(clock, budget, limits),
    retryAfterSeconds: () => budget.retryAfterSeconds(),
  });
  const app = createApp(
    {
      ...{ clock, ingest, budget, deviceOf, logger, metrics },
      protocols: deps.protocols ?? protocols,
      about: createAbout({ sinks, metrics, whereIs: createWhereIs(recall, kept), peers: deps.peers }),
      webhooks: { clock, sources: policies.webhookSources },
    },
    {
      trustedProxies: options.trustedProxies ?? LOOPBACK,
      origins: corsOriginsOf(options.sources),
      bodyBytes: limits.bodyBytes,
      publishTimeoutMs: limits.publishTimeoutMs,
      ...options.http,
      certificate,
    },
  );
  // A broker that hangs must not keep the gateway from taking events; what it cannot send goes to the spool.
  await Promise.race([Promise.all(sinks.map((sink) => sink.start())), delay(clock, FIRST_ATTEMPT_MS)]);
  return {
    app,
    listen: async (address) => {
      try {
        return await app.listen({ ...address, host: hostToListenOn(address.host) });
      } catch (cause) {
        throw listenError(address, cause);
      }
    },
    spooled: () => ({
      isEmpty: kept?.isEmpty() ?? true,
      setAside: kept?.hasSetAside() ?? false,
    }),
    reload: async () => certificate?.reload(),
    stop: createStop({ app, sinks, spool: kept, recall, budget, clock }, () => {
      certificate?.close();
      policies.close();
    }),
  };
}

type Disk = Pick<OutletDeps, 'spool' | 'left'> & {
  /** Either of them. */
  readonly kept: Spool | undefined;
};

/** A spool that is switched off takes nothing, but what was accepted into it is sent. */
async function openDisk(deps: SpoolDeps | undefined, limits: SpoolLimits): Promise<Disk> {
  if (deps === undefined) return { spool: undefined, left: undefined, kept: undefined };
  if (limits.bytes > 0) {
    const spool = await openSpool(deps, limits);
    return { spool, left: undefined, kept: spool };
  }
  const left = await openLeft(deps, limits);
  return { spool: undefined, left, kept: left };
}

/** It may be switched off because its disk fails, and gateways without a spool may share a folder: it keeps no start back. */
async function openLeft(deps: SpoolDeps, limits: SpoolLimits): Promise<Spool | undefined> {
  try {
    const left = await openSpool(deps, limits);
    if (!left.isEmpty()) return left;
    await left.close();
  } catch (error) {
    deps.logger.error({ err: error }, 'what may be left in the spool, which is switched off, cannot be sent');
  }
  return undefined;
}

/** Events that were accepted for a destination which no route names any more are kept, but nobody sends them. */
function warnOfStrays(spool: Spool | undefined, sinks: readonly Sink[], logger: Pick<Logger, 'warn'>): void {
  for (const destination of spool?.destinations() ?? []) {
    if (sinks.some(({ name }) => name === destination)) continue;
    const { records, bytes } = spool?.report(destination) ?? { records: 0, bytes: 0 };
    logger.warn({ destination, records, bytes }, 'accepted events wait for a destination that no route leads to');
  }
}

/** Answers what opens the sink, with a spool behind it or without. */
function prepareSink(
  { kind, name }: Destination,
  deps: GatewayDeps & Pick<OutletDeps, 'onBatch'>,
  options: GatewayOptions,
): (disk: Disk) => Sink {
  const sinkDeps = {
    ...deps,
    defer: (task: () => void) => void setImmediate(task),
    onHealth: (sink: string, report: HealthReport) => {
      if (report.state === 'up') deps.logger.info({ sink }, 'sink is up');
      else deps.logger.warn({ sink, ...report }, 'sink is down');
    },
  };
  const sinkOptions = { timeoutMs: options.limits.publishTimeoutMs, packing: options.packing };
  if (kind === 'hub') {
    const publisher = deps.openHub(name);
    return ({ spool, left }) => createHubSink(name, { ...sinkDeps, spool, left, publisher }, sinkOptions);
  }
  const publisher = deps.openTopic(name);
  return ({ spool, left }) => createTopicSink(name, { ...sinkDeps, spool, left, publisher }, sinkOptions);
}

/** A key for hashes that nobody outside is to foresee. */
const newKey = () => [randomInt(2 ** 32), randomInt(2 ** 32)] as const;

/** Share of the time to stop that requests in hand may use; the rest is for closing connections. */
const FINISH_SHARE = 0.7;
const SWEEP_INTERVAL_MS = 20;

interface Running {
  readonly app: FastifyInstance;
  readonly sinks: readonly Sink[];
  readonly spool: Spool | undefined;
  readonly recall: Pick<Recall, 'close'>;
  readonly budget: Budget;
  readonly clock: Clock;
}

function createStop({ app, sinks, spool, recall, budget, clock }: Running, stopTimers: () => void) {
  let stopped: Promise<void> | undefined;
  const stop = async (deadlineMs: number) => {
    stopTimers();
    const finished = app.close();
    // Connections that are kept alive end when their request in hand is answered, not when they time out.
    const stopSweeping = every(clock, SWEEP_INTERVAL_MS, () => app.server.closeIdleConnections());
    await Promise.race([finished, delay(clock, deadlineMs * FINISH_SHARE)]);
    stopSweeping();
    // What is still waiting now goes to disk; without one it is answered as failed, so that its clients send it again.
    await Promise.race([
      Promise.allSettled(sinks.map((sink) => sink.close())).then(() => Promise.all([spool?.close(), recall.close()])),
      delay(clock, deadlineMs * (1 - FINISH_SHARE)),
    ]);
    if (budget.pendingBytes() > 0) app.server.closeAllConnections();
  };
  return ({ deadlineMs }: { deadlineMs: number }) => {
    stopped ??= stop(deadlineMs);
    return stopped;
  };
}
