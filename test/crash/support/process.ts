import { fork } from 'node:child_process';
import { once } from 'node:events';

/** A process of the built command, to be treated badly. */
export interface CommandProcess {
  /** What it said when it was ready; undefined when it ended before. */
  readonly ready: Promise<Readonly<Record<string, string>> | undefined>;
  /** Resolves when it has ended, with its exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
  readonly pid: number | undefined;
  signal(signal: NodeJS.Signals): void;
  kill(): Promise<void>;
}

export interface CommandOptions {
  readonly env: Readonly<Record<string, string>>;
  readonly execArgv?: readonly string[];
  readonly log: (text: string) => void;
}

/** Starts the built command with nothing of this process's environment but where programs are. */
export function startCommand(args: readonly string[], { env, execArgv = [], log }: CommandOptions): CommandProcess {
  const child = fork('dist/cli/main.js', args, {
    env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', PENSTOCK_LOG_LEVEL: 'warn', ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    execArgv: [...execArgv],
  });
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => log(chunk.toString()));
  const ended = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals);
  const ready = Promise.race([
    once(child, 'message').then(([message]) => (message as { facts: Record<string, string> }).facts),
    ended.then(() => undefined),
  ]);
  return {
    ready,
    ended,
    pid: child.pid,
    signal: (signal) => void child.kill(signal),
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
