import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Endpoints, readEndpoints } from '../../../src/shared/endpoints.js';
import { createTempDir } from '../../helpers/parts.js';
import { waitFor } from '../../helpers/wait.js';

const MAIN = 'dist/cli/main.js';

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built command as a user does, and collects what it prints. */
export async function penstock(
  args: readonly string[],
  options: { env?: Record<string, string>; onSpawn?: (child: ChildProcess) => void } = {},
): Promise<CommandResult> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  options.onSpawn?.(child);
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

export interface RunningInstance {
  readonly dataDir: string;
  readonly endpoints: Endpoints;
  /** Process id of a running part by its name ("broker", "gateway", …), as the log tells it. */
  pidOf(part: string): number;
  /** How often a part has become ready so far. */
  readyCount(part: string): number;
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>;
  /** SIGKILL of the supervisor alone. */
  kill(): Promise<void>;
  /** Removes the data folder. */
  remove(): void;
}

/** Starts a whole instance on free ports. */
export async function startInstance(
  options: { dataDir?: string; env?: Record<string, string> } = {},
): Promise<RunningInstance> {
  const temp = options.dataDir === undefined ? createTempDir('e2e') : undefined;
  const dataDir = options.dataDir ?? (temp as { path: string }).path;
  const child = spawn(
    process.execPath,
    [MAIN, 'start', '--data-dir', dataDir, '--port', '0', '--admin-port', '0', '--broker-port', '0'],
    { env: { ...process.env, ...options.env }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  const endpoints = await waitFor('endpoints.json', () => {
    if (child.exitCode !== null) return 'ended' as const;
    // An instance that was killed has left its file behind.
    const found = existsSync(join(dataDir, 'endpoints.json')) ? readEndpoints(dataDir) : undefined;
    return found?.pid === child.pid ? found : undefined;
  });
  if (endpoints === 'ended') throw new Error(`penstock start ended with ${child.exitCode}:\n${output}`);
  return {
    dataDir,
    endpoints,
    pidOf: (part) => partsReady(dataDir, endpoints.pid, part).at(-1) ?? Number.NaN,
    readyCount: (part) => partsReady(dataDir, endpoints.pid, part).length,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
      child.kill('SIGTERM');
      const [code] = (await once(child, 'exit')) as [number | null];
      return code;
    },
    async kill() {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
    remove: () => temp?.remove(),
  };
}

/** Process ids with which a part of this supervisor became ready, in order. */
function partsReady(dataDir: string, supervisor: number, part: string): number[] {
  return readFileSync(join(dataDir, 'log/penstock.ndjson'), 'utf8')
    .split('\n')
    .filter((line) => line.includes('"part ready"'))
    .map((line) => JSON.parse(line) as { pid: number; part: string; partPid: number })
    .filter((entry) => entry.pid === supervisor && entry.part === part)
    .map((entry) => entry.partPid);
}
