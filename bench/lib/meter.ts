import { cpus } from 'node:os';
import type { Parts } from './parts.js';

/** What a stretch of time cost, and what disturbed it. */
export interface Cost {
  /** CPU seconds of each part. */
  readonly cpuSeconds: Readonly<Record<string, number>>;
  /** CPU seconds of the whole machine, and how many it could have given. */
  readonly machineSeconds: number;
  readonly capacitySeconds: number;
}

/** Starts to count; the returned function tells what came together since. */
export function startMeter(parts: Parts): () => Cost {
  const before = { parts: parts.cpuSeconds(), own: ownSeconds(), machine: machineSeconds(), atMs: performance.now() };
  return () => {
    const now = parts.cpuSeconds();
    const cpuSeconds = Object.fromEntries(
      Object.entries(now).map(([part, seconds]) => [part, seconds - (before.parts[part] ?? 0)]),
    );
    return {
      cpuSeconds: { ...cpuSeconds, bench: ownSeconds() - before.own },
      machineSeconds: machineSeconds() - before.machine,
      capacitySeconds: ((performance.now() - before.atMs) / 1000) * cpus().length,
    };
  };
}

/** CPU time of each part for one of `count`, in microseconds; parts that did next to nothing are left out. */
export function cpuMicrosEach(
  { cpuSeconds }: Pick<Cost, 'cpuSeconds'>,
  count: number,
): Readonly<Record<string, number>> {
  const entries = Object.entries(cpuSeconds).filter(([part]) => part !== 'bench');
  const total = entries.reduce((sum, [, seconds]) => sum + seconds, 0);
  const worth = entries.filter(([, seconds]) => seconds > total / 100);
  return Object.fromEntries(worth.map(([part, seconds]) => [part, Number(((seconds / count) * 1e6).toFixed(2))]));
}

/** Share of the machine, 0 to 1, that went to programs that have nothing to do with the bench. */
export function foreignShare(cost: Cost, loads: readonly { readonly cpuSeconds: number }[]): number {
  const ours = Object.values(cost.cpuSeconds).reduce((sum, seconds) => sum + seconds, 0);
  const load = loads.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
  return Math.max(0, (cost.machineSeconds - ours - load) / cost.capacitySeconds);
}

function ownSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

function machineSeconds(): number {
  return cpus().reduce((sum, { times }) => sum + (times.user + times.nice + times.sys + times.irq) / 1000, 0);
}
