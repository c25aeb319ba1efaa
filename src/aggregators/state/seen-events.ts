import type { PenstockEvent } from '../../events/index.js';
import type { AggregatorOptions } from '../options.js';
import { createIdHistory, type SavedIds, type Seed } from './id-history.js';

/** The events of a partition's recent past: those that came straight from a gateway, and those that came by way of the topic. */
export interface SeenEvents {
  /**
   * Remembers an event that reached the hub in the second `arrivedMs`, when the newest one was of `watermarkMs`. Returns
   * false when it was seen.
   */
  add(event: PenstockEvent, arrivedMs: number, watermarkMs: number): boolean;
  /** How far back from `nowMs` every event id is remembered, and whether that is less than it should be, for want of room. */
  remembered(nowMs: number): { readonly ms: number; readonly tooShort: boolean };
  save(): SavedSeenEvents;
}

export interface SavedSeenEvents {
  readonly ids: SavedIds;
  readonly messageIds: SavedIds;
}

export function createSeenEvents(
  { dedup, messageDedup }: Pick<AggregatorOptions, 'dedup' | 'messageDedup'>,
  seed: Seed,
  saved?: SavedSeenEvents,
): SeenEvents {
  const ids = createIdHistory(dedup, seed, saved?.ids);
  const messageIds = createIdHistory(messageDedup, seed, saved?.messageIds);
  return {
    add(event, arrivedMs, watermarkMs) {
      // What came by way of the topic may come again long after, with the same message id.
      const { messageid: id } = event as { messageid?: unknown };
      const isNewMessage =
        typeof id !== 'string' || messageIds.add({ id, source: event.source }, arrivedMs, watermarkMs);
      return isNewMessage && ids.add(event, arrivedMs, watermarkMs);
    },
    remembered(nowMs) {
      const ms = ids.rememberedMs(nowMs);
      return { ms, tooShort: ms < dedup.rotateAfterMs };
    },
    save: () => ({ ids: ids.save(), messageIds: messageIds.save() }),
  };
}
