import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from '../../shared/logger.js';
import { readSharedSecret } from '../shared-secret.js';

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
      return readSharedSecret(join(folder, day), {
        fresh: randomBytes(SALT_BYTES),
        onDamaged: (file) =>
          logger.warn({ file }, 'the salt of the day is damaged: visitors without cookies are counted anew'),
      });
    } catch (error) {
      logger.error({ err: error }, 'the salt of the day cannot be kept: visitors without cookies are counted anew');
      return randomBytes(SALT_BYTES);
    }
  };
}

const OF_A_DAY = /^\d{4}-\d\d-\d\d/;

function forgetOthers(folder: string, day: string): void {
  for (const name of readdirSync(folder)) {
    if (OF_A_DAY.test(name) && !name.startsWith(day)) rmSync(join(folder, name), { force: true });
  }
}
