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
  /** Offers that are not known to be on the topic. */
  offersWaiting: z.number().default(0),
  /** Offers that were given up since this reader has the partition: too old, too large, or too many of them waited. */
  offersGivenUp: z.number().default(0),
  /** How far back every event id is remembered; null while none was forgotten. */
  idsRememberedMs: z.number().nullable().default(null),
  /** The error of its own code at which the reader stops again and again, by kind and place; null while it goes on. */
  stopped: z.string().nullable().default(null),
  /** Why the state could not be saved when that was tried last; null when it could. */
  unsaved: z.string().nullable().default(null),
});

export type PartitionHealth = z.infer<typeof partitionHealth>;
