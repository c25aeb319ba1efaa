import { open, rename } from 'node:fs/promises';

/** Writes a file anew, so that it is the old one or the new one whenever the machine stops. Its folder is not synced. */
export async function replaceFile(path: string, contents: Buffer): Promise<void> {
  const file = await open(`${path}.new`, 'w', 0o600);
  try {
    await file.writeFile(contents);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
}
