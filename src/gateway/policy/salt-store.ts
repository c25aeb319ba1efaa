import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from '../../shared/logger.js';

export const SALT_BYTES = 32;

/**
 * The salt of each day, in a folder that all gateways of a machine share: the first that needs it makes it, and those of
 * other days are removed. Synchronous, since it is asked for once a day.
 *
 * Where the folder cannot be used the salt is in memory only: then a visitor is counted again after a restart, which is
 * better than an event that is lost or an id that outlives its day.
 */
export function createSaltStore(folder: string, logger: Logger): (day: string) => Buffer {
  return (day) => {
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      forgetOthers(folder, day);
      const path = join(folder, day);
      const found = readSalt(path);
      if (found !== undefined && isSalt(found)) return found;
      if (found !== undefined) {
        logger.warn({ file: path }, 'the salt of the day is damaged: visitors without cookies are counted anew');
        // It would be in the way of a new one.
        rmSync(path);
      }
      return makeSalt(path);
    } catch (error) {
      logger.error({ err: error }, 'the salt of the day cannot be kept: visitors without cookies are counted anew');
      return randomBytes(SALT_BYTES);
    }
  };
}

/** Not one that is cut, or zero and so known to everybody. */
const isSalt = (bytes: Buffer): boolean => bytes.length === SALT_BYTES && bytes.some((byte) => byte !== 0);

function readSalt(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Written whole under another name and then linked: of several gateways one wins, and nobody reads half a salt. */
function makeSalt(path: string): Buffer {
  const salt = randomBytes(SALT_BYTES);
  const draft = `${path}.${process.pid}.${salt.toString('hex', 0, 4)}.tmp`;
  writeFileSync(draft, salt, { mode: 0o600, flush: true });
  try {
    linkSync(draft, path);
    return salt;
  } catch (error) {
    const winner = readSalt(path);
    if (winner === undefined || !isSalt(winner)) throw error;
    return winner;
  } finally {
    rmSync(draft, { force: true });
  }
}

const OF_A_DAY = /^\d{4}-\d\d-\d\d/;

function forgetOthers(folder: string, day: string): void {
  for (const name of readdirSync(folder)) {
    if (OF_A_DAY.test(name) && !name.startsWith(day)) rmSync(join(folder, name), { force: true });
  }
}
