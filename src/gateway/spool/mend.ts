import { stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { messageOf } from '../../shared/errors.js';
import { type Loss, mendDatabase, UnmendableError, verifyDatabase } from '../../shared/leveldb/index.js';

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
  const { damage, tornManifest } = await verifyDatabase(location, { thorough: true });
  if (damage.length === 0 && tornManifest === undefined) return undefined;
  // While another process writes to them, files may look damaged.
  if (await isLocked(location)) return undefined;
  const [first] = damage;
  if (first === undefined) {
    // What a power cut left half written: LevelDB takes it for damage.
    if (tornManifest !== undefined) await truncate(join(location, tornManifest.file), tornManifest.bytes);
    return undefined;
  }
  const keptIn = await freeName(location);
  try {
    return { losses: await mendDatabase(location, keptIn), keptIn };
  } catch (error) {
    throw new UnmendableError(`${first.file} ${first.what}, and it cannot be mended: ${messageOf(error)}`);
  }
}

/** LevelDB looks for that first, and is asked to open the database in a way that it refuses in any case. */
async function isLocked(location: string): Promise<boolean> {
  const refused: unknown = await new ClassicLevel(location)
    .open({ createIfMissing: false, errorIfExists: true })
    .catch((error: unknown) => error);
  const cause = refused instanceof Error ? refused.cause : undefined;
  return (cause as NodeJS.ErrnoException | undefined)?.code === 'LEVEL_LOCKED';
}

async function freeName(location: string): Promise<string> {
  for (let number = 1; ; number++) {
    const name = `${location}-damaged-${number}`;
    if ((await stat(name).catch(() => undefined)) === undefined) return name;
  }
}
