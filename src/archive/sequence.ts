import { ArchiveError } from './errors.js';
import type { ArchivedEvent } from './event.js';

/** Sequence numbers of a partition that no file has. */
export interface Gap {
  readonly partitionId: string;
  readonly first: number;
  readonly last: number;
}

export interface SequenceOptions {
  readonly fromMs: number;
  readonly toMs: number;
  readonly onGap: (gap: Gap) => void;
}

/** Times of arrival rise with the numbers, but for a service that moves a partition to a machine with another clock. */
const CLOCKS_DIFFER_MS = 60_000;

/**
 * Takes the events of one partition by their numbers: each once, those within the bounds, and tells of what is missing
 * between them.
 */
export function createSequence(partitionId: string, { fromMs, toMs, onGap }: SequenceOptions) {
  let last: ArchivedEvent | undefined;
  let done = false;

  /** Whether the event is a new one. */
  function follows(event: ArchivedEvent, blob: string): boolean {
    if (last === undefined) return true;
    const { sequenceNumber, enqueuedAtMs, offset } = event;
    if (sequenceNumber > last.sequenceNumber && enqueuedAtMs >= last.enqueuedAtMs - CLOCKS_DIFFER_MS) return true;
    const same = sequenceNumber === last.sequenceNumber && offset === last.offset;
    if (same && enqueuedAtMs === last.enqueuedAtMs) return false;
    throw new ArchiveError(
      'PS_ARCHIVE_MIXED',
      `${blob}: event ${sequenceNumber} of ${iso(enqueuedAtMs)} comes after event ${last.sequenceNumber} of ` +
        `${iso(last.enqueuedAtMs)}: a hub of that name was made anew, and --from and --to have to keep to one of the two`,
      { facts: { blob, partitionId } },
    );
  }

  return {
    /** Everything up to the end of the bounds was given. */
    get done() {
      return done;
    },
    /**
     * The events that are wanted of these, which are a part of the file `blob`.
     * @throws ArchiveError PS_ARCHIVE_MIXED
     */
    take(events: readonly ArchivedEvent[], blob: string): ArchivedEvent[] {
      const wanted: ArchivedEvent[] = [];
      for (const event of events) {
        if (!follows(event, blob)) continue;
        if (event.enqueuedAtMs >= toMs) {
          done = true;
          break;
        }
        const expected = (last?.sequenceNumber ?? event.sequenceNumber - 1) + 1;
        if (event.enqueuedAtMs >= fromMs) {
          if (event.sequenceNumber > expected) onGap({ partitionId, first: expected, last: event.sequenceNumber - 1 });
          wanted.push(event);
        }
        last = event;
      }
      return wanted;
    },
  };
}

const iso = (ms: number) => new Date(ms).toISOString();
