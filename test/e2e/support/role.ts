import { spawn } from 'node:child_process';
import { once } from 'node:events';

export interface RunningRole {
  /** What the role said when it was ready. */
  readonly facts: Readonly<Record<string, string>>;
  /** What it has printed so far. */
  output(): string;
  /** Stops it where it is, or lets it go on. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void;
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>;
  /** SIGKILL. */
  kill(): Promise<void>;
}

/**
 * Runs one role of the built command as a process of its own, configured by nothing but its environment; with `openFiles` as
 * one that may have no more open.
 */
export async function startRole(
  args: readonly string[],
  env: Record<string, string>,
  { openFiles }: { openFiles?: number } = {},
): Promise<RunningRole> {
  const { PATH = '', HOME = '' } = process.env;
  const command = [process.execPath, 'dist/cli/main.js', ...args];
  const limited =
    openFiles === undefined ? command : ['bash', '-c', `ulimit -n ${openFiles}; exec "$@"`, 'bash', ...command];
  const child = spawn(limited[0] as string, limited.slice(1), {
    env: { PATH, HOME, ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill(signal);
      await once(child, 'exit');
    }
    return child.exitCode;
  };
  const message = await Promise.race([
    once(child, 'message').then(([value]) => value as { facts: Record<string, string> }),
    once(child, 'exit').then(() => undefined),
  ]);
  if (message === undefined) throw new Error(`${args.join(' ')} ended with ${child.exitCode}:\n${output}`);
  return {
    facts: message.facts,
    output: () => output,
    signal: (signal) => void child.kill(signal),
    stop: () => end('SIGTERM'),
    kill: async () => void (await end('SIGKILL')),
  };
}
