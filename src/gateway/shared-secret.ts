import { randomBytes } from 'node:crypto';
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

export interface SharedSecretOptions {
  /** What it is where there is none yet. */
  readonly fresh: Buffer;
  /** What is there is no secret any more, and `fresh` takes its place. */
  readonly onDamaged: (file: string) => void;
}

/**
 * A secret that all gateways of a machine share: the first that asks for it makes it. Written whole under another name and
 * then linked, so that of several gateways one wins, and nobody reads half a secret. Synchronous, since it is asked for once
 * in an hour or a day.
 * @throws the error of the file system when the file can neither be read nor made
 */
export function readSharedSecret(path: string, { fresh, onDamaged }: SharedSecretOptions): Buffer {
  const found = readIfThere(path);
  if (found !== undefined && isSecret(found, fresh.length)) return found;
  if (found !== undefined) {
    onDamaged(path);
    // It would be in the way of a new one.
    rmSync(path, { force: true });
  }
  const draft = `${path}.${randomBytes(4).toString('hex')}.tmp`;
  writeFileSync(draft, fresh, { mode: 0o600, flush: true });
  try {
    linkSync(draft, path);
    return fresh;
  } catch (error) {
    const winner = readIfThere(path);
    if (winner === undefined || !isSecret(winner, fresh.length)) throw error;
    return winner;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Not one that is cut, or zero, as a file that lost its contents may be, and so known to everybody. */
const isSecret = (bytes: Buffer, length: number): boolean =>
  bytes.length === length && bytes.some((byte) => byte !== 0);

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
