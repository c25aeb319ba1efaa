import { z } from 'zod';

const value = z.union([z.string(), z.number(), z.boolean()]);
const fields = z.record(z.string(), value);

/** How far a visitor is in one behaviour. */
const followSchema = z.object({
  state: z.int().nonnegative(),
  /** Oldest and newest event time of the sequence. */
  fromMs: z.number(),
  toMs: z.number(),
  /** What a refresh of the last event would say again. */
  last: value.optional(),
  memory: fields,
  items: z.array(fields),
  /** Event time of the newest offer. */
  offeredMs: z.number().optional(),
});

const waitingOfferSchema = z.object({
  timeMs: z.number(),
  message: z.object({
    body: z.string(),
    messageId: z.string(),
    applicationProperties: z.record(z.string(), z.union([z.string(), z.number()])),
  }),
});

/** What is known of behaviours, in the partition's own snapshot: it is written with the position or not at all. */
export const savedBehaviours = z.object({
  /** By name and a hash of what decides how far a visitor is. */
  machines: z.record(z.string(), z.array(z.tuple([z.string(), followSchema]))),
  /** Made, and not known to be on the topic. */
  outbox: z.array(waitingOfferSchema),
});

export type Follow = z.infer<typeof followSchema>;
/** An offer on its way to the topic. */
export type WaitingOffer = z.infer<typeof waitingOfferSchema>;
export type SavedBehaviours = z.infer<typeof savedBehaviours>;
