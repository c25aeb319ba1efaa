import { eventsOf, readOrders } from '../gateway/inspect.js';
import { type System, startSystem } from '../gateway/system.js';
import { PARTITIONS } from '../support/broker.js';
import { scanPartition } from '../support/inspect.js';
import { wait } from '../support/wait.js';
import { createArrivals } from './arrivals.js';
import { type Sample, sample } from './gauge.js';
import { type Answers, type Load, startLoad, type Traffic } from './load.js';

export interface OutageOptions {
  readonly dataDir: string;
  /** How long the broker of the hub is away. */
  readonly awayMs: number;
  /** Page views in a second. */
  readonly rate: number;
  /** The load before the outage, and after the drain. */
  readonly aroundMs: number;
  readonly progress?: (text: string) => void;
}

/** What there was in one stretch of the run. */
export interface Phase {
  readonly name: 'before' | 'away' | 'drain' | 'after';
  readonly ms: number;
  readonly answers: Readonly<Record<Traffic, Answers>>;
  readonly samples: readonly Sample[];
}

export interface OutageResult {
  readonly phases: readonly Phase[];
  readonly arrived: number;
  readonly repeated: number;
  readonly orders: number;
  readonly violations: readonly string[];
}

const SAMPLE_MS = 1_000;
const POLL_MS = 50;
const PROGRESS_EVERY = 10;
/** Not a measure of speed: only so that a spool that never empties ends the run. */
const GIVE_UP_MS = 60 * 60_000;

/**
 * The broker of the hub is away while page views go on coming at a steady rate, and orders into a broker that is well. Then
 * it is back, and the spool drains while the load goes on; at last every event is looked for in its place.
 */
export async function runOutage(options: OutageOptions): Promise<OutageResult> {
  const { dataDir, awayMs, aroundMs, rate, progress } = options;
  const violations: string[] = [];
  const onEnd = (text: string) => void violations.push(text);
  const log = (part: string, text: string) => progress?.(`${part}: ${text.trimEnd()}`);
  const system = await startSystem({ dataDir, gateway: {}, log, onEnd });
  const { view } = system.sides;
  try {
    const load = startLoad({ url: system.url, rate });
    const phases: Phase[] = [];
    const phase = async (name: Phase['name'], isOver: IsOver) => {
      const found = await watch({ system, load, name, isOver, progress });
      phases.push(found);
      if (found.ms > GIVE_UP_MS) violations.push(`${name} does not come to its end`);
    };
    // On a machine that is busy nothing may have been answered yet.
    await phase('before', (_, { views }, ms) => ms >= aroundMs && views.durable.broker > 0);
    await view.part.kill();
    const isSeen = ({ views, orders }: Phase['answers']) => views.durable.spool > 0 && orders.durable.broker > 0;
    await phase('away', (_, answers, ms) => ms >= awayMs && isSeen(answers));
    await view.part.start();
    await phase('drain', ({ spoolRecords }) => spoolRecords === 0);
    await phase('after', (_sample, _answers, ms) => ms >= aroundMs);
    const accepted = await load.finish();
    progress?.('looking for every event');
    const found = await verify(system, accepted, load.orders());
    return { phases, ...found, violations: [...violations, ...found.violations] };
  } finally {
    await system.stop();
  }
}

type IsOver = (latest: Sample, answers: Phase['answers'], sinceMs: number) => boolean;

interface Watching {
  readonly system: System;
  readonly load: Load;
  readonly name: Phase['name'];
  readonly isOver: IsOver;
  readonly progress: ((text: string) => void) | undefined;
}

async function watch({ system, load, name, isOver, progress }: Watching): Promise<Phase> {
  const answers = load.begin();
  const startMs = performance.now();
  const samples: Sample[] = [];
  for (;;) {
    const latest = await sample(system.url, system.gateway.pid());
    const sinceMs = latest.atMs - startMs;
    if (samples.length <= sinceMs / SAMPLE_MS) {
      samples.push(latest);
      if (samples.length % PROGRESS_EVERY === 1) progress?.(`${name}, ${lineOf(latest, sinceMs)}`);
    }
    if (isOver(latest, answers, sinceMs) || sinceMs > GIVE_UP_MS) return { name, ms: sinceMs, answers, samples };
    await wait(POLL_MS);
  }
}

const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MB`;

const lineOf = ({ residentBytes, spoolRecords, spoolBytes, pendingBytes }: Sample, sinceMs: number): string =>
  `${(sinceMs / 1000).toFixed(0)} s: ${megabytes(residentBytes)} resident, ${megabytes(pendingBytes)} waiting in memory, ` +
  `${spoolRecords} records of ${megabytes(spoolBytes)} on disk`;

async function verify({ sides }: System, accepted: ReadonlyMap<string, number>, orders: number) {
  const arrivals = createArrivals();
  for (const partitionId of PARTITIONS) {
    await scanPartition(sides.view.connectionString(), partitionId, ({ body }) => {
      for (const { id } of eventsOf(body)) arrivals.add(id);
    });
  }
  arrivals.close(accepted);
  const violations = [...arrivals.violations()];
  const taken = (await readOrders(sides.order.connectionString())).map(({ id }) => id);
  if (new Set(taken).size !== orders || taken.length !== orders)
    violations.push(
      `${orders} orders were accepted, and the topic has ${taken.length}, ${new Set(taken).size} different`,
    );
  return { ...arrivals.figures(), orders: taken.length, violations };
}
