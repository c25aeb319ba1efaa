import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { wrkLoad } from './wrk-load.js';

export interface LoadOptions {
  readonly url: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Sent in turn, again and again. */
  readonly bodies: readonly string[];
  /** Put a new id in place of `[<id>]` in each request. */
  readonly uniqueIds: boolean;
  readonly connections: number;
  /** Requests a second over all connections, at even distances; as many as it can without. */
  readonly perSecond?: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

export interface LoadResult {
  /** Requests with a 2xx answer during the measurement. */
  readonly answered: number;
  /** The same with those of the warm-up. */
  readonly answeredInAll: number;
  readonly failed: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** What the load itself used. */
  readonly cpuSeconds: number;
}

/** Entries of the bench are bundled side by side. */
export const entry = (name: string): string => fileURLToPath(new URL(`./${name}.mjs`, import.meta.url));

/** Gives options to an entry in a process of its own, and waits for what it answers. */
export async function runEntry(name: string, options: object, flags: readonly string[] = []): Promise<unknown> {
  const child = fork(entry(name), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], execArgv: [...flags] });
  child.send(options);
  return Promise.race([
    once(child, 'message').then(([message]) => message as unknown),
    once(child, 'exit').then(([code]) => {
      throw new Error(`the process of ${name} ended with ${code}`);
    }),
  ]);
}

/** Loads a URL and waits for the figures. @throws when any request failed */
export async function runLoad(options: LoadOptions): Promise<LoadResult> {
  const result = await wrkLoad(options);
  if (result.failed > 0 || result.answered === 0)
    throw new Error(`${options.url}: ${result.failed} requests failed, ${result.answered} were answered`);
  return result;
}
