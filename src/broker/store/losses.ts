import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Lines of one loss each; more say nothing new. */
const MOST = 20;

/**
 * What LevelDB left out of a damaged log when it was opened. It goes on without, and says so only in its own file LOG, which
 * it begins anew each time. The end of a log that a crash cut short is none of it.
 */
export async function lossesAtOpening(location: string): Promise<readonly string[]> {
  const text = await readFile(join(location, 'LOG'), 'utf8').catch(() => '');
  const lines = text.split('\n').filter((line) => line.includes(': dropping ') && line.includes(' bytes; '));
  return lines.slice(0, MOST);
}
