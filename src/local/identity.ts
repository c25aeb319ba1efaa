import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';

/**
 * When a process began, in the system's own words: with its id it is one process and no other, since ids are used again.
 * Undefined when it has ended.
 */
export function startOf(pid: number): string | undefined {
  try {
    if (!existsSync('/proc/self/stat'))
      return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    // proc(5): the state is the first field behind the name, which may have spaces, and the start is the twentieth.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

/** Which folder it is, wherever it was moved to: a copy is another one. */
export function folderOf(path: string): string {
  const { dev, ino } = statSync(path);
  return `${dev}:${ino}`;
}
