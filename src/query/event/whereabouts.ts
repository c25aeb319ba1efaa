import { z } from 'zod';

/** What the gateway says of an event; more fields than these are passed on as they are. */
export const whereaboutsSchema = z.looseObject({
  outcomes: z.array(
    z.looseObject({
      source: z.string(),
      eventId: z.string().optional(),
      outcome: z.string(),
      receivedAt: z.iso.datetime(),
      settledAt: z.iso.datetime(),
      destination: z.string().optional(),
      partition: z.int().optional(),
      spool: z.string().optional(),
    }),
  ),
  remembers: z.looseObject({
    acceptedIds: z.number(),
    acceptedSince: z.string().nullable(),
    others: z.number(),
    othersSince: z.string().nullable(),
  }),
});

export type Whereabouts = z.infer<typeof whereaboutsSchema>;
