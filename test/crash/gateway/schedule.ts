import { createRandom, type Random } from '../support/random.js';
import { wait } from '../support/wait.js';
import { type Clients, startClients } from './clients.js';
import { brokerDisturbances, gatewayDisturbances, OUTAGES } from './disturb.js';
import { inspect } from './inspect.js';
import { createGatewayLedger, type GatewayLedger, type Kind } from './ledger.js';
import { type BrokerSide, type System, startSystem } from './system.js';

export interface ScheduleOptions {
  readonly dataDir: string;
  readonly seed: number;
  readonly log: (part: string, text: string) => void;
}

export interface ScheduleResult extends ReturnType<GatewayLedger['figures']> {
  /** How often what happened. */
  readonly disturbances: Readonly<Record<string, number>>;
  /** Answers 429 and 503, and unanswered parts of others. */
  readonly refused: number;
  readonly spooled: number;
  readonly violations: readonly string[];
}

/** How long it goes on, after the first outage. */
const SHORTEST_MS = 2_000;
const LONGEST_MS = 5_000;
const LONGEST_PAUSE_MS = 700;
const LONGEST_DISTURBANCE_MS = 1_800;
/** Without the gateway nothing happens. */
const LONGEST_GATEWAY_DISTURBANCE_MS = 700;
/** Not a measure of speed: only so that a broken promise ends the run. */
const GIVE_UP_MS = 60_000;
const POLL_MS = 20;
const ANSWERS_IN_OUTAGE = 5;
const SHARE_SMALL_SPOOL = 0.4;
/** Of gateways that are several processes. */
const SHARE_WORKERS = 0.3;
/** Full after some hundred events. */
const SMALLEST_SPOOL_BYTES = 20_000;
const LARGEST_SMALL_SPOOL_BYTES = 200_000;

async function becomes(condition: () => boolean | Promise<boolean>, limitMs = GIVE_UP_MS): Promise<boolean> {
  for (const untilMs = performance.now() + limitMs; performance.now() < untilMs; await wait(POLL_MS))
    if (await condition()) return true;
  return false;
}

/**
 * One random schedule: an outage of one broker that must not touch the other's traffic, then everything that can happen
 * to both brokers and to the gateway, each by itself, and at last the ledger against what the brokers hold.
 */
export async function runSchedule({ dataDir, seed, log }: ScheduleOptions): Promise<ScheduleResult> {
  const random = createRandom(seed);
  const workers = random.chance(SHARE_WORKERS) ? 2 + random.below(2) : 1;
  const ledger = createGatewayLedger({ inOrder: workers === 1 });
  const disturbances: Record<string, number> = {};
  const told = (what: string) => {
    log('run', `${what}\n`);
    disturbances[what] = (disturbances[what] ?? 0) + 1;
  };
  const smallSpool = random.chance(SHARE_SMALL_SPOOL);
  const gateway = { ...configure(random, smallSpool), PENSTOCK_WORKERS: String(workers) };
  const system = await startSystem({ dataDir, gateway, log, onEnd: ledger.broken });
  try {
    const clients = startClients({
      url: system.url,
      ledger,
      randomOf: (client) => createRandom(seed * 100 + client),
    });
    const run: Run = { system, workers, clients, ledger, random, told };
    // Where the disk of the spool is next to nothing, an outage ends what a client can get.
    await outage(run, smallSpool);
    await disturb(run, seed);
    log('run', 'all is well\n');
    // What is in the spool still is not lost, and nobody could tell it from what is.
    if (await heal(run)) ledger.close(await inspect(system));
    const { progress } = clients;
    return {
      ...ledger.figures(),
      disturbances,
      refused: progress.refused(),
      spooled: progress.inSpool('order', 0) + progress.inSpool('view', 0),
      violations: ledger.violations(),
    };
  } finally {
    await system.stop();
  }
}

interface Run {
  readonly system: System;
  readonly workers: number;
  readonly clients: Clients;
  readonly ledger: GatewayLedger;
  readonly random: Random;
  readonly told: (what: string) => void;
}

/** A short time, so that much happens in a few seconds, and enough to connect in on a machine that is busy. */
function configure(random: Random, smallSpool: boolean): Readonly<Record<string, string>> {
  const bytes = SMALLEST_SPOOL_BYTES + random.below(LARGEST_SMALL_SPOOL_BYTES - SMALLEST_SPOOL_BYTES);
  return {
    PENSTOCK_LIMITS: JSON.stringify({ publishTimeoutMs: 2_500 + random.below(1_500) }),
    ...(smallSpool ? { PENSTOCK_SPOOL: JSON.stringify({ bytes }) } : {}),
  };
}

/** One broker does nothing any more. The other's traffic goes on, into its broker, and its own goes to the disk. */
async function outage({ system, clients, ledger, random, told }: Run, smallSpool: boolean): Promise<void> {
  const { progress } = clients;
  const begun = (kind: Kind) => progress.inBroker(kind, 0) > 0;
  if (!(await becomes(() => begun('order') && begun('view')))) ledger.broken('nothing goes to the brokers at first');
  const away: Kind = random.chance(0.5) ? 'order' : 'view';
  const other: Kind = away === 'order' ? 'view' : 'order';
  const what = random.pick(OUTAGES) as (typeof OUTAGES)[number];
  told(`outage of the ${away}s: ${what}`);
  const heal = await (brokerDisturbances[what] as (typeof brokerDisturbances)[string])(system.sides[away], random);
  const since = performance.now();
  if (!(await becomes(() => progress.inBroker(other, since) >= ANSWERS_IN_OUTAGE)))
    ledger.broken(`while the broker of the ${away}s is ${what}, ${other}s do not get into theirs`);
  const refusals = progress.refused();
  const goesOn = () => progress.inSpool(away, since) > 0 || (smallSpool && progress.refused() > refusals);
  if (!(await becomes(goesOn))) ledger.broken(`while their broker is ${what}, ${away}s are not accepted`);
  await heal();
}

/** Everything happens to everyone, at moments of their own, for some seconds. Ends with all of it healed. */
async function disturb({ system, workers, ledger, random, told }: Run, seed: number): Promise<void> {
  const untilMs = performance.now() + SHORTEST_MS + random.below(LONGEST_MS - SHORTEST_MS);
  const sides = Object.values(system.sides);
  const ofGateway = gatewayDisturbances(ledger.broken, workers);
  async function trouble<Subject>(
    { name, subject, longestMs }: { name: string; subject: Subject; longestMs: number },
    of: Disturbances<Subject>,
    own: Random,
  ): Promise<void> {
    for (;;) {
      await wait(own.below(LONGEST_PAUSE_MS));
      if (performance.now() > untilMs) return;
      const what = own.pick(Object.keys(of)) as string;
      told(`${name} ${what}`);
      const heal = await (of[what] as Disturbances<Subject>[string])(subject, own);
      await wait(own.below(longestMs));
      await heal();
    }
  }
  const ofBroker = (subject: BrokerSide) => ({
    name: `broker of the ${subject.kind}s`,
    subject,
    longestMs: LONGEST_DISTURBANCE_MS,
  });
  const gateway = { name: 'gateway', subject: system.gateway, longestMs: LONGEST_GATEWAY_DISTURBANCE_MS };
  await Promise.all([
    ...sides.map((side, index) => trouble(ofBroker(side), brokerDisturbances, createRandom(seed * 100 + 50 + index))),
    trouble(gateway, ofGateway, createRandom(seed * 100 + 60)),
  ]);
}

type Disturbances<Subject> = Readonly<
  Record<string, (subject: Subject, random: Random) => Promise<() => Promise<void>>>
>;

/** Everything is well: every client gets its answers, and nothing stays on the gateway's disk. False if that does not come. */
async function heal({ system, clients, ledger }: Run): Promise<boolean> {
  if (!(await clients.finish(GIVE_UP_MS))) ledger.broken('a client gets no answer though everything is well');
  let last = '';
  const drained = await becomes(async () => {
    // Of a worker that is being started again nobody knows what it has, and it may be the one that is asked.
    const response = await fetch(`${system.url}/readyz`).catch(() => undefined);
    last = (await response?.text().catch(() => undefined)) ?? last;
    if (!response?.ok) return false;
    const { sinks } = JSON.parse(last) as { sinks: Record<string, { spool: { records: number } }> };
    return Object.values(sinks).every(({ spool }) => spool.records === 0);
  });
  if (!drained) ledger.broken(`the spool does not drain: ${last}`);
  return drained;
}
