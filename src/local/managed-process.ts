import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { systemClock } from '../shared/clock.js';
import type { ProcessSpec, ReadyFacts } from './process-spec.js';

export interface ManagedProcess {
  readonly pid: number | undefined;
  /** Resolves when the process is ready; rejects when it ends before that. */
  readonly ready: Promise<ReadyFacts>;
  /** Resolves with a description of how it ended. Never rejects. */
  readonly ended: Promise<string>;
  /** Why another start would not help, if it said so before it ended. */
  hopeless(): string | undefined;
  signal(signal: NodeJS.Signals): void;
}

/** Starts one process with `baseEnv` and its own variables. Every line that it prints goes to `onLine`. */
export function startProcess(
  spec: ProcessSpec,
  baseEnv: NodeJS.ProcessEnv,
  onLine: (line: string) => void,
): ManagedProcess {
  const child = spawn(spec.command, spec.args, {
    env: { ...baseEnv, ...spec.env },
    // The IPC channel also tells the child that its supervisor is gone, however that ended.
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    // A group of its own, since a terminal sends Ctrl-C to all of a group: it is the supervisor that stops parts, in order.
    detached: true,
  });
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => {
      const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
      // What it said last may still be on its way.
      void channelEnd(child).then(() => resolve(how));
    });
  });
  let hopeless: string | undefined;
  const ready = new Promise<ReadyFacts>((resolve, reject) => {
    const listener = (line: string) => {
      onLine(line);
      hopeless ??= spec.hopelessAt?.(line);
      if (spec.ready.by === 'line' && line.includes(spec.ready.text)) resolve({ line });
    };
    for (const stream of [child.stdout, child.stderr]) readLines(stream, listener);
    child.on('message', (message: { type?: unknown; facts?: ReadyFacts; why?: unknown }) => {
      if (message?.type === 'hopeless') hopeless = String(message.why);
      if (spec.ready.by === 'message' && message?.type === 'ready') resolve(message.facts ?? {});
    });
    void ended.then((how) => reject(new Error(`${spec.name} ended before it was ready: ${how}`)));
  });
  // A caller may look at `ended` only.
  ready.catch(() => {});
  return {
    pid: child.pid,
    ready,
    ended,
    hopeless: () => hopeless,
    signal: (signal) => send(child, signal),
  };
}

/** How long a channel may stay open that a process of the process has inherited. */
const LAST_WORDS_MS = 1000;

function channelEnd(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (!child.connected) return resolve();
    const giveUp = systemClock.setTimer(resolve, LAST_WORDS_MS);
    child.once('disconnect', () => {
      giveUp();
      resolve();
    });
  });
}

function readLines(stream: Readable | null, listener: (line: string) => void): void {
  if (stream !== null) createInterface({ input: stream }).on('line', listener);
}

function send(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.exitCode === null && child.signalCode === null) child.kill(signal);
}
