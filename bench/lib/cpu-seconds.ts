import { readFileSync } from 'node:fs';

/** Linux counts in hundredths of a second for every process, whatever the kernel's tick (man 5 proc: utime to cstime). */
const TICKS_PER_SECOND = 100;

/** CPU seconds that a process and its children have used. 0 where there is no /proc. */
export function cpuSecondsOf(pid: number | undefined): number {
  return [pid, ...childrenOf(pid)].reduce<number>((sum, one) => sum + ownSecondsOf(one), 0);
}

function childrenOf(pid: number | undefined): readonly number[] {
  try {
    return (readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').match(/\d+/g) ?? []).map(Number);
  } catch {
    return [];
  }
}

/** With those of children that have ended and were waited for. */
function ownSecondsOf(pid: number | undefined): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold blanks; the four times are the 12th to the 15th field behind it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS_PER_SECOND;
  } catch {
    return 0;
  }
}
