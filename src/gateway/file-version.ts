import { stat } from 'node:fs/promises';

/** Changes when the file does: by writing, or by another file in its place. */
export async function versionOf(path: string): Promise<string> {
  const { mtimeNs, size, ino } = await stat(path, { bigint: true });
  return `${mtimeNs}:${size}:${ino}`;
}
