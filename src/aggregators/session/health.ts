import type { Clock } from '../../shared/clock.js';
import type { Logger } from '../../shared/logger.js';
import type { OfferSender } from '../behaviour/offer-sender.js';
import type { Owner } from '../sink/owner.js';
import type { LiveSink } from '../sink/redis-sink.js';
import type { PartitionState } from '../state/partition.js';

export interface HealthDeps {
  readonly owner: Owner;
  readonly state: PartitionState;
  readonly sink: Pick<LiveSink, 'report'>;
  readonly offers: OfferSender | undefined;
  readonly stops: Pick<Map<string, string>, 'get'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What the parts of a session tell of themselves. */
export interface Progress {
  /** -1 before anything was shown. */
  readonly shownSequenceNumber: number;
  readonly savedAtMs: number | undefined;
  readonly unsaved: string | undefined;
}

/** Says how a partition is, and how far. */
export function createHealthReport(deps: HealthDeps, progress: () => Progress): () => void {
  const { owner, state, sink, offers, stops, clock, logger } = deps;
  const { partition: partitionId } = owner;
  const iso = (ms: number) => new Date(ms).toISOString();
  /** Said once: it is so for as long as more events come than there is room for. */
  let toldOfShortMemory = false;
  const rememberedMs = () => {
    const { ms, tooShort } = state.remembered;
    if (tooShort && !toldOfShortMemory)
      logger.warn({ partitionId, rememberedMs: ms }, 'event ids are forgotten early: see aggregators.rememberedIds');
    toldOfShortMemory = tooShort;
    return Number.isFinite(ms) ? ms : null;
  };
  return () => {
    const { shownSequenceNumber, savedAtMs, unsaved } = progress();
    // A session of figures that are there tells nothing before it has shown them: it would be taken for their position.
    if (shownSequenceNumber < 0 && state.position !== undefined) return;
    void sink.report(owner, {
      sequenceNumber: shownSequenceNumber,
      watermark: Number.isFinite(state.watermarkMs) ? iso(state.watermarkMs) : null,
      appliedAt: iso(clock.now()),
      savedAt: savedAtMs === undefined ? null : iso(savedAtMs),
      offersWaiting: state.outbox.size,
      offersGivenUp: offers?.givenUp ?? 0,
      idsRememberedMs: rememberedMs(),
      stopped: stops.get(partitionId) ?? null,
      unsaved: unsaved ?? null,
    });
  };
}
