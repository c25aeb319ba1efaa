import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { LoadOptions, LoadResult } from './load.js';

const INSTALL = 'the load of the benchmarks is made by wrk: apt-get install wrk';
const SCRIPT = join('bench', 'load.lua');

/** What `bench/load.lua` says at the end. */
interface Told {
  readonly answered: number;
  readonly failed: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuSeconds: number;
}

/** In which the connections of a steady load come. Added to its time. */
const RAMP_SECONDS = 1;

/**
 * One request at a time on each connection: as many as the server answers, or at even distances. By wrk, since it shares
 * the cores with what is measured: a generator in JavaScript takes as much of them as the server does, and its own pauses
 * would stand in the latencies.
 *
 * The latencies are corrected for requests that should have gone while an answer was waited for (wrk's `stats_correct`,
 * "coordinated omission"). Under as much load as there can be they say how long connections queue, those first of all that
 * are yet to be accepted: Node accepts one in each turn of its event loop.
 */
export async function wrkLoad(options: LoadOptions): Promise<LoadResult> {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-load-'));
  try {
    const run = await prepare(folder, options);
    const before = options.warmUpSeconds > 0 ? await run(options.warmUpSeconds) : undefined;
    const found = await run(options.seconds);
    return {
      answered: found.answered,
      answeredInAll: found.answered + (before?.answered ?? 0),
      failed: found.failed,
      perSecond: found.answered / found.seconds,
      p50Ms: found.p50Ms,
      p99Ms: found.p99Ms,
      cpuSeconds: found.cpuSeconds + (before?.cpuSeconds ?? 0),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function prepare(folder: string, { bodies, headers, path, perSecond, uniqueIds, url, connections }: LoadOptions) {
  const file = (name: string, lines: readonly string[]) => {
    const at = join(folder, name);
    writeFileSync(at, `${lines.join('\n')}\n`);
    return at;
  };
  const env = {
    ...process.env,
    LOAD_PATH: path,
    LOAD_CONNECTIONS: `${connections}`,
    LOAD_PER_SECOND: `${perSecond ?? ''}`,
    LOAD_BODIES: file('bodies', bodies),
    LOAD_HEADERS: file(
      'headers',
      Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ),
  };
  return async (seconds: number): Promise<Told> => {
    const args = [
      '--threads',
      '1',
      '--timeout',
      '30s',
      '--connections',
      `${connections}`,
      '--duration',
      `${perSecond === undefined ? seconds : seconds + RAMP_SECONDS}`,
      '--script',
      SCRIPT,
    ];
    const ids = uniqueIds ? `${randomUUID()}.` : '';
    try {
      const { stdout } = await promisify(execFile)('wrk', [...args, url], { env: { ...env, LOAD_IDS: ids } });
      return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Told;
    } catch (error) {
      throw (error as NodeJS.ErrnoException).code === 'ENOENT' ? new Error(INSTALL) : error;
    }
  };
}
