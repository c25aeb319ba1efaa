import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GroundTruth } from '../../../src/simulator/index.js';
import { penstock, type RunningInstance, startInstance } from '../../e2e/support/penstock.js';
import { spooledRecords } from '../../e2e/support/spool.js';
import { waitFor } from '../../helpers/wait.js';
import { createRandom } from '../support/random.js';
import { wait } from '../support/wait.js';
import { differences, readShown } from './shown.js';
import { startWatch } from './watch.js';

export interface FiguresOptions {
  readonly times: number;
  readonly seed: number;
  /** Told of each kill. */
  readonly progress?: (text: string) => void;
}

export interface FiguresResult {
  readonly kills: number;
  readonly killsByPart: Readonly<Record<string, number>>;
  readonly truth: Pick<GroundTruth, 'events' | 'duplicates' | 'visitors' | 'sessions' | 'pageViews' | 'funnel'>;
  /** Readings of the figures during the run. */
  readonly readings: number;
  readonly violations: readonly string[];
}

const VICTIMS = ['aggregate', 'broker', 'redis'] as const;
/** What one kill takes: to come back, and some life after it. */
const SECONDS_PER_KILL = 4;
const SHORTEST_LIFE_MS = 200;
const LONGEST_LIFE_MS = 1_500;
const SETTLE_LIMIT_MS = 180_000;
const RATE = 60;

/**
 * Runs a shop against a whole instance while aggregators, broker and Redis are killed again and again, looks at the
 * figures all the while, and holds what they say in the end against the shop's ground truth.
 */
export async function runFigures({ times, seed, progress }: FiguresOptions): Promise<FiguresResult> {
  const instance = await startInstance();
  const { admin, gateway } = instance.endpoints;
  try {
    const watch = startWatch(admin);
    const truthFile = join(instance.dataDir, 'truth.json');
    const shop = penstock([
      ...['simulate', '--seed', String(seed), '--duration', String(times * SECONDS_PER_KILL), '--rate', String(RATE)],
      // Offline devices send within what the live figures look back; nothing is too late.
      ...['--lateness', '600', '--late', '0.01', '--too-late', '0', '--held-back', '0.05', '--duplicates', '0.03'],
      ...['--retry-for', '300', '--batch', '50', '--truth', truthFile, '--data-dir', instance.dataDir],
    ]);
    const killsByPart = await killAgainAndAgain(instance, { times, seed, ...(progress && { progress }) });
    const { code, stderr } = await shop;
    if (code !== 0) throw new Error(`the simulator ended with ${code}:\n${stderr}`);
    const truth = JSON.parse(readFileSync(truthFile, 'utf8')) as GroundTruth;
    await waitFor('the spool to be empty', async () => (await spooledRecords(gateway)) === 0, SETTLE_LIMIT_MS);
    let left: string[] = ['nothing was read'];
    await waitFor(
      'the figures to be those of the shop',
      async () => {
        left = differences(truth, await readShown(admin, truth));
        return left.length === 0;
      },
      SETTLE_LIMIT_MS,
    ).catch(() => {});
    const { readings, wentDown } = await watch.stop();
    const { events, duplicates, visitors, sessions, pageViews, funnel } = truth;
    return {
      kills: times,
      killsByPart,
      truth: { events, duplicates, visitors, sessions, pageViews, funnel },
      readings,
      violations: [...left, ...wentDown],
    };
  } finally {
    await instance.stop();
    instance.remove();
  }
}

async function killAgainAndAgain(
  instance: RunningInstance,
  { times, seed, progress }: FiguresOptions,
): Promise<Record<string, number>> {
  const random = createRandom(seed);
  const kills: Record<string, number> = Object.fromEntries(VICTIMS.map((part) => [part, 0]));
  for (let kill = 1; kill <= times; kill++) {
    await wait(SHORTEST_LIFE_MS + random.below(LONGEST_LIFE_MS - SHORTEST_LIFE_MS));
    const part = VICTIMS[(kill + random.below(2)) % VICTIMS.length] as (typeof VICTIMS)[number];
    // It runs again since the last time.
    await waitFor(`${part} to be there`, () => instance.readyCount(part) === 1 + (kills[part] as number));
    process.kill(instance.pidOf(part), 'SIGKILL');
    kills[part] = (kills[part] as number) + 1;
    progress?.(`kill ${kill}: ${part}`);
  }
  return kills;
}
