import { readFile, rm, writeFile } from 'node:fs/promises';
import type { Clock } from '../shared/clock.js';

/** A run of this length says that what the broker needs all the time can be read. */
const STEADY_AFTER_MS = 60_000;
/** After so many runs that ended early, one after the other, the files are read whole. */
const SUSPICIOUS_ENDS = 2;

export interface RunNote {
  /** Whether the last runs ended as they do where LevelDB meets damage while it merges files. */
  readonly isSuspicious: boolean;
  /** Damage was met: the next start has to look for it. */
  suspect(): Promise<void>;
  /** The run ended as it should. */
  end(): Promise<void>;
}

async function endsIn(path: string): Promise<number> {
  try {
    const { earlyEnds } = JSON.parse(await readFile(path, 'utf8')) as { earlyEnds?: unknown };
    return typeof earlyEnds === 'number' ? earlyEnds + 1 : 1;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 0 : 1;
  }
}

/**
 * Notes that the broker runs, and finds how often it ended early before. A start reads no blocks of data, and LevelDB that
 * merges a damaged one may end the process with nothing but an assertion: without the note each start would end like the
 * one before.
 */
export async function beginRun(path: string, clock: Clock, onError: (error: unknown) => void): Promise<RunNote> {
  const earlyEnds = await endsIn(path);
  const note = (ends: number) => writeFile(path, `${JSON.stringify({ earlyEnds: ends })}\n`, { mode: 0o600 });
  await note(earlyEnds);
  const stopTimer = clock.setTimer(() => void note(-1).catch(onError), STEADY_AFTER_MS);
  return {
    isSuspicious: earlyEnds >= SUSPICIOUS_ENDS,
    suspect() {
      stopTimer();
      return note(SUSPICIOUS_ENDS);
    },
    async end() {
      stopTimer();
      await rm(path, { force: true });
    },
  };
}
