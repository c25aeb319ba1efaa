import { z } from 'zod';

/** How far the reader of a partition is, as it tells of itself. Times are ISO 8601. */
export const partitionHealth = z.object({
  /** Sequence number of the last hub event that is in the figures. */
  sequenceNumber: z.number(),
  /** Newest event time; null before the first event. */
  watermark: z.string().nullable(),
  /** When the figures were written last. */
  appliedAt: z.string(),
  /** When the state was saved last by this reader. */
  savedAt: z.string().nullable(),
});

export type PartitionHealth = z.infer<typeof partitionHealth>;
