import { readFileSync } from 'node:fs';

/** Ids of the processes that a process has started and that are still there. */
export function childrenOf(pid: number | undefined): readonly number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
    return text.split(' ').filter(Boolean).map(Number);
  } catch {
    // It is gone, and they are somebody else's.
    return [];
  }
}
