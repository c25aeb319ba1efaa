import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  azuriteConnectionString,
  azuriteProcess,
  findFreePort,
  type ManagedProcess,
  type ProcessSpec,
  redisProcess,
  redisUrl,
  roleEnvironment,
  roleNodeFlags,
  startProcess,
} from '../../src/local/index.js';
import { delay, systemClock } from '../../src/shared/clock.js';
import { residentBytesOf } from '../../test/helpers/resident.js';
import { cpuSecondsOf } from './cpu-seconds.js';
import { entry } from './load.js';
import type { BenchContext } from './report.js';

export const WRITE_KEY = 'write-key-of-the-bench';

/** Real processes, as users run them, that end with the bench. */
export interface Parts {
  /** A role of the built command, started as `penstock start` starts it. Resolves with what it says when it is ready. */
  role(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Readonly<Record<string, string>>>;
  /** A server of the bench itself. */
  server(name: string, env?: Readonly<Record<string, string>>): Promise<string>;
  azurite(): Promise<string>;
  redis(): Promise<string>;
  /** Any other program. */
  program(spec: ProcessSpec): Promise<void>;
  /** Ends one part at once, with nothing written any more. */
  kill(name: string): Promise<void>;
  /** Resident memory of a part. */
  residentBytes(name: string): number;
  /** A folder for the data of a part, which goes with the bench. */
  folder(name: string): string;
  /** CPU seconds that each part has used so far. Empty where there is no /proc. */
  cpuSeconds(): Readonly<Record<string, number>>;
  stop(): Promise<void>;
}

/** How long a part may take to end before it is killed. */
const STOP_MS = 10_000;

export function createParts({ profileDir, workers }: Pick<BenchContext, 'profileDir' | 'workers'>): Parts {
  const base = join('node_modules', '.cache', 'bench');
  mkdirSync(base, { recursive: true });
  // Not in the system's temporary folder, which may be memory: fsync has to be what it is.
  const dataDir = mkdtempSync(join(base, 'data-'));
  const running: { readonly name: string; readonly part: ManagedProcess }[] = [];

  async function start(spec: ProcessSpec): Promise<Readonly<Record<string, string>>> {
    const lines: string[] = [];
    const part = startProcess(spec, process.env, (line) => {
      if (lines.push(line) > 200) lines.shift();
    });
    running.push({ name: spec.name, part });
    const facts = await part.ready.catch((error: unknown) => {
      throw new Error(`${String(error)}\n${lines.join('\n')}`);
    });
    return facts as Readonly<Record<string, string>>;
  }

  const node = (name: string, args: readonly string[], env: Readonly<Record<string, string>>): ProcessSpec => ({
    name,
    command: process.execPath,
    // Baselines get the flags of the roles too: the comparison is of programs.
    args: [
      ...roleNodeFlags(name),
      ...(profileDir === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${join(profileDir, name)}`]),
      ...args,
    ],
    env,
    ready: { by: 'message' },
    stopSignal: 'SIGTERM',
  });

  return {
    role: (args, env = {}) =>
      start(
        node(args[0] ?? '', ['dist/cli/main.js', ...args], {
          ...roleEnvironment(args[0] ?? ''),
          PENSTOCK_DATA_DIR: dataDir,
          PENSTOCK_LOG_LEVEL: 'warn',
          PENSTOCK_PORT: '0',
          PENSTOCK_ADMIN_PORT: '0',
          PENSTOCK_BROKER_PORT: '0',
          PENSTOCK_WORKERS: String(workers),
          PENSTOCK_SOURCES: JSON.stringify([{ name: 'bench', writeKey: WRITE_KEY }]),
          ...env,
        }),
      ),
    server: async (name, env = {}) => (await start(node(name, [entry(name)], env)))['url'] ?? '',
    async azurite() {
      const accountKey = randomBytes(64).toString('base64');
      const options = { dir: join(dataDir, 'azurite'), port: await findFreePort(), accountKey };
      await start(azuriteProcess(options));
      return azuriteConnectionString(options);
    },
    async redis() {
      const searchPath = process.env['PATH'] ?? '';
      const options = {
        dir: join(dataDir, 'redis'),
        port: await findFreePort(),
        password: randomBytes(16).toString('hex'),
        searchPath,
      };
      await start(redisProcess(options));
      return redisUrl(options);
    },
    async program(spec) {
      await start(spec);
    },
    async kill(name) {
      const index = running.findIndex((one) => one.name === name);
      const [one] = index < 0 ? [] : running.splice(index, 1);
      one?.part.signal('SIGKILL');
      await one?.part.ended;
    },
    residentBytes: (name) => residentBytesOf(running.find((one) => one.name === name)?.part.pid),
    folder(name) {
      const path = resolve(dataDir, name);
      mkdirSync(path, { recursive: true });
      return path;
    },
    cpuSeconds: () => Object.fromEntries(running.map(({ name, part }) => [name, cpuSecondsOf(part.pid)])),
    async stop() {
      // Last started, first stopped: readers before what they read.
      for (const { part } of running.splice(0).reverse()) {
        part.signal('SIGTERM');
        const limit = new AbortController();
        await Promise.race([part.ended, delay(systemClock, STOP_MS, limit.signal)]);
        limit.abort();
        part.signal('SIGKILL');
      }
      rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
