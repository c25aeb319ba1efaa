import type { PartitionOwnership } from '@azure/event-hubs';

export interface LeaseClocks {
  /** The clock that the SDK holds a lease against. */
  now(): number;
  /** One that is never set. */
  steadyMs(): number;
  /** The clock by which the storage account dates what is written there. */
  storeMs(): Promise<number>;
}

export type JudgeLeases = (leases: PartitionOwnership[]) => Promise<PartitionOwnership[]>;

/**
 * The SDK compares when a lease was renewed, which the storage account dates, with the clock of this machine. Where that is
 * ahead by more than a lease it would take the others' partitions again and again, and they take them back; where it was
 * set back, it would leave them for as long to a process that is gone. So a lease has the age that this process has seen
 * it unchanged for, and at first sight the one that it has by the storage account's own clock.
 */
export function createLeaseAges({ now, steadyMs, storeMs }: LeaseClocks): JudgeLeases {
  /** When a lease was renewed, by the steady clock. */
  const seen = new Map<string, { readonly etag: string | undefined; readonly renewedMs: number }>();
  return async (leases) => {
    const isFirstSight = leases.some(({ partitionId }) => !seen.has(partitionId));
    const storeNowMs = isFirstSight ? await storeMs() : 0;
    const steadyNowMs = steadyMs();
    return leases.map((lease) => {
      const { partitionId, etag, lastModifiedTimeInMs } = lease;
      const known = seen.get(partitionId);
      if (known === undefined || known.etag !== etag) {
        const ageMs = known === undefined ? Math.max(0, storeNowMs - (lastModifiedTimeInMs ?? 0)) : 0;
        seen.set(partitionId, { etag, renewedMs: steadyNowMs - ageMs });
      }
      const { renewedMs } = seen.get(partitionId) as { renewedMs: number };
      return { ...lease, lastModifiedTimeInMs: now() - (steadyNowMs - renewedMs) };
    });
  };
}
