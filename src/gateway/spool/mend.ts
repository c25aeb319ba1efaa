import { stat } from 'node:fs/promises';
import { messageOf } from '../../shared/errors.js';
import {
  cutTornManifest,
  findLock,
  type Loss,
  mendDatabase,
  UnmendableError,
  verifyDatabase,
} from '../../shared/leveldb/index.js';

/** What was lost of a spool, and where its files are as they were. */
export interface MendedSpool {
  readonly losses: readonly Loss[];
  readonly keptIn: string;
}

/**
 * Looks through the whole spool before LevelDB does, which would pass over damage in its log without a word, and refuse all
 * of a spool for one damaged table. Damage is mended: what is whole is sent, and what was damaged is kept beside the spool.
 * Undefined when there was none.
 * @throws UnmendableError, or the error of the file system
 */
export async function mendSpool(location: string): Promise<MendedSpool | undefined> {
  const verdict = await verifyDatabase(location, { thorough: true });
  const [first] = verdict.damage;
  if (first === undefined && verdict.tornManifest === undefined) return undefined;
  // While another process writes to them, files may look damaged.
  if ((await findLock(location)) !== undefined) return undefined;
  if (first === undefined) {
    await cutTornManifest(location, verdict);
    return undefined;
  }
  const keptIn = await freeName(location);
  try {
    return { losses: await mendDatabase(location, keptIn), keptIn };
  } catch (error) {
    throw new UnmendableError(`${first.file} ${first.what}, and it cannot be mended: ${messageOf(error)}`);
  }
}

async function freeName(location: string): Promise<string> {
  for (let number = 1; ; number++) {
    const name = `${location}-damaged-${number}`;
    if ((await stat(name).catch(() => undefined)) === undefined) return name;
  }
}
