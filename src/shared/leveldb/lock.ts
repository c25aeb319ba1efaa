import { ClassicLevel } from 'classic-level';

/** Whether LevelDB failed, here or in the cause, because another process has the database. */
export const saysLocked = (error: unknown): boolean =>
  error instanceof Error &&
  ((error as NodeJS.ErrnoException).code === 'LEVEL_LOCKED' || (error.cause !== undefined && saysLocked(error.cause)));

/**
 * What LevelDB says when another process has the database, undefined when none has. It looks for that first, and so it is
 * asked to open the database in a way that it refuses in any case, before it has changed anything.
 */
export async function findLock(location: string): Promise<unknown> {
  const refused: unknown = await new ClassicLevel(location)
    .open({ createIfMissing: false, errorIfExists: true })
    .catch((error: unknown) => error);
  return saysLocked(refused) ? refused : undefined;
}
