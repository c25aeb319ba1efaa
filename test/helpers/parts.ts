import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ProcessSpec, startProcess } from '../../src/local/index.js';

export interface TestPart {
  /** Stops the part and removes its data. */
  stop(): Promise<void>;
  /** SIGKILL: the part gets no chance to tidy up. */
  kill(): Promise<void>;
}

/** A folder that is gone after `remove()`. */
export function createTempDir(name: string): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), `penstock-${name}-`));
  return { path, remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 5 }) };
}

/** Runs a real part for a test and waits until it is ready. */
export async function runPart(spec: ProcessSpec): Promise<{ signal(signal: NodeJS.Signals): Promise<void> }> {
  const lines: string[] = [];
  const part = startProcess(spec, process.env, (line) => lines.push(line));
  await part.ready.catch((error: unknown) => {
    throw new Error(`${String(error)}\n${lines.join('\n')}`);
  });
  return {
    async signal(signal) {
      part.signal(signal);
      await part.ended;
    },
  };
}
