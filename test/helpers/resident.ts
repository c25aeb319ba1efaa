import { readFileSync } from 'node:fs';

/** How much a process has in memory; NaN where there is no /proc, or no such process. */
export function residentBytesOf(pid: number | undefined): number {
  try {
    const found = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return Number(found?.[1] ?? Number.NaN) * 1024;
  } catch {
    return Number.NaN;
  }
}
