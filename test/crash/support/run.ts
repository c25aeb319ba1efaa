import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PARTITIONS, startCrashBroker } from './broker.js';
import { type Subjects, startClients } from './clients.js';
import { closeOrders, readPartition } from './inspect.js';
import { createLedger, createLogLedger, type LogLedger } from './ledger.js';
import { createRandom } from './random.js';
import { wait } from './wait.js';

export interface CrashOptions {
  readonly dataDir: string;
  readonly times: number;
  readonly seed: number;
  /** Told of each kill. */
  readonly progress?: (text: string) => void;
}

export interface CrashResult {
  readonly kills: number;
  /** Kills while the broker was still starting. */
  readonly killsAtStart: number;
  /** How often LevelDB merged files, and kills while it did. */
  readonly merges: number;
  readonly killsInMerge: number;
  readonly orders: ReturnType<ReturnType<typeof createLedger>['figures']>;
  readonly jobs: ReturnType<ReturnType<typeof createLedger>['figures']>;
  readonly events: number;
  /** What was promised and not kept. */
  readonly violations: readonly string[];
}

/** How long a broker lives under load, at the most. */
const LONGEST_LIFE_MS = 900;
/** How long clients may take to get going on a machine that is busy with other things. */
const SLOWEST_CLIENTS_MS = 15_000;
const LONGEST_START_MS = 400;
const CLIENTS_GO_MS = 6000;
/** A short run is short of time as well. */
const LONG_RUN = 20;
const [LADEN, LADEN_LONG] = [0.2, 0.8];
const KILLED_AT_START = 0.12;

/** How often LevelDB began to merge files in the run that ended last, and how often it came to an end. */
async function mergesOf(dataDir: string): Promise<{ readonly begun: number; readonly ended: number }> {
  const text = await readFile(join(dataDir, 'broker', 'store', 'LOG'), 'utf8').catch(() => '');
  const count = (pattern: RegExp) => text.match(pattern)?.length ?? 0;
  return { begun: count(/ Compacting \d/g), ended: count(/ Compacted \d/g) };
}

/** Kills the broker again and again under load, and holds at the end what it has against what it promised. */
export async function runCrashes({ dataDir, times, seed, progress }: CrashOptions): Promise<CrashResult> {
  const subjects: Subjects = {
    orders: createLedger('orders'),
    jobs: createLedger('jobs'),
    partitions: PARTITIONS.map(createLogLedger),
    random: createRandom(seed),
    laden: times < LONG_RUN ? LADEN : LADEN_LONG,
    inDoubt: new Set(),
    settledOrders: [],
    numbers: new Map(),
    next: 0,
  };
  const { random } = subjects;
  const log: string[] = [];
  const start = () => startCrashBroker(dataDir, (line) => void log.push(line));
  const loads: Promise<readonly string[]>[] = [];
  let [killsAtStart, merges, killsInMerge] = [0, 0, 0];

  /** Orders accepted and delivered, events accepted. */
  const progressOf = () => {
    const { accepted, delivered } = subjects.orders.figures();
    return [accepted, delivered, subjects.partitions.reduce((sum, partition) => sum + partition.size(), 0)];
  };

  async function killUnderLoad(): Promise<void> {
    const broker = start();
    const connectionString = await broker.ready;
    if (connectionString === undefined) throw new Error(`the broker does not start:\n${log.slice(-20).join('')}`);
    let over = false;
    const load = startClients({ connectionString, over: () => over }, subjects);
    // The moment is counted from the first answers, so that a slow machine has load as well.
    const before = progressOf();
    const untilMs = performance.now() + SLOWEST_CLIENTS_MS;
    while (progressOf().some((count, index) => count === before[index]) && performance.now() < untilMs) await wait(5);
    await wait(random.below(LONGEST_LIFE_MS));
    over = true;
    await broker.kill();
    load.close();
    // Answers of this broker may still be read by its clients. They are of the past, whatever runs by then.
    loads.push(load.stopped);
  }

  async function killAtStart(): Promise<void> {
    const broker = start();
    await wait(random.below(LONGEST_START_MS));
    await broker.kill();
    killsAtStart++;
  }

  for (let kill = 1; kill <= times; kill++) {
    if (random.chance(KILLED_AT_START)) await killAtStart();
    else await killUnderLoad();
    const { begun, ended } = await mergesOf(dataDir);
    merges += begun;
    if (begun > ended) killsInMerge++;
    progress?.(`kill ${kill}: ${JSON.stringify(subjects.orders.figures())}`);
  }

  // Clients whose connection died while it was made may wait for a minute, and know nothing that matters here.
  const clientsGo = Promise.race([Promise.all(loads), wait(CLIENTS_GO_MS)]);
  const broker = start();
  const connectionString = (await broker.ready) ?? '';
  const read = async (partition: LogLedger) => {
    const events = await readPartition(connectionString, partition.partitionId);
    return partition.violations(events.map(({ sequence, body }) => ({ sequence, number: Number(body) })));
  };
  const [ofPartitions] = await Promise.all([
    Promise.all(subjects.partitions.map(read)),
    closeOrders(connectionString, subjects.orders),
  ]);
  await broker.kill();
  await clientsGo;
  const refusals = (await Promise.all(loads.map((load) => Promise.race([load, []])))).flat();
  return {
    kills: times,
    killsAtStart,
    merges,
    killsInMerge,
    orders: subjects.orders.figures(),
    jobs: subjects.jobs.figures(),
    events: subjects.partitions.reduce((sum, partition) => sum + partition.size(), 0),
    violations: [...subjects.orders.violations(), ...subjects.jobs.violations(), ...ofPartitions.flat(), ...refusals],
  };
}
