import { type Frame, MAGIC_BYTES, readFrame } from './frame.js';

/** Bytes of a segment, `to` not included. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

export type Part =
  /** Whole frames one after the other. */
  | { readonly kind: 'frames'; readonly span: Span }
  /** Events whose frames are not whole. */
  | { readonly kind: 'gap'; readonly sequence: number; readonly lost: number; readonly enqueuedAtMs: number };

/** What can be read of a segment. */
export interface Salvage {
  readonly parts: readonly Part[];
  readonly damage: readonly Span[];
  /** Number and time behind the last frame that is whole. */
  readonly nextSequence: number;
  readonly lastEnqueuedAtMs: number;
  /** How many events are whole, and the number of the first one. */
  readonly events: number;
  readonly firstEvent: number | undefined;
  /** Where the bytes begin that are of no frame, behind the last one that is whole. */
  readonly end: number;
}

/** The numbers that a segment may have: from its name to where the next one begins. */
export interface Numbers {
  readonly base: number;
  readonly limit: number;
}

/**
 * Reads the frames of a segment that are whole, also between damaged ones. A frame that is damaged but for its length tells
 * where the next one begins; otherwise that is looked for.
 */
export function salvage(bytes: Buffer, { base, limit }: Numbers): Salvage {
  const parts: Part[] = [];
  const damage: Span[] = [];
  let [at, nextSequence, lastEnqueuedAtMs, events] = [0, base, 0, 0];
  let firstEvent: number | undefined;

  function frameAt(position: number): Frame | undefined {
    const read = readFrame(bytes, position);
    if (read.kind !== 'frame') return undefined;
    const { sequence, count, lost } = read.frame;
    return sequence >= nextSequence && sequence + count + lost <= limit ? read.frame : undefined;
  }

  function nextWhole(from: number): number | undefined {
    if (from + 8 <= bytes.length) {
      const skipped = from + bytes.readUInt32BE(from + 4);
      if (skipped > from && frameAt(skipped) !== undefined) return skipped;
    }
    for (let found = bytes.indexOf(MAGIC_BYTES, from + 1); found >= 0; found = bytes.indexOf(MAGIC_BYTES, found + 1)) {
      if (frameAt(found) !== undefined) return found;
    }
    return undefined;
  }

  function take(frame: Frame): void {
    if (frame.sequence > nextSequence) {
      parts.push({
        kind: 'gap',
        sequence: nextSequence,
        lost: frame.sequence - nextSequence,
        enqueuedAtMs: lastEnqueuedAtMs,
      });
    }
    const last = parts.at(-1);
    const span = { from: at, to: at + frame.bytes };
    if (last?.kind === 'frames' && last.span.to === at)
      parts[parts.length - 1] = { kind: 'frames', span: { from: last.span.from, to: span.to } };
    else parts.push({ kind: 'frames', span });
    if (frame.count > 0) firstEvent ??= frame.sequence;
    events += frame.count;
    nextSequence = frame.sequence + frame.count + frame.lost;
    lastEnqueuedAtMs = Math.max(lastEnqueuedAtMs, frame.enqueuedAtMs);
    at += frame.bytes;
  }

  while (at < bytes.length) {
    const frame = frameAt(at);
    if (frame !== undefined) {
      take(frame);
      continue;
    }
    const to = nextWhole(at);
    if (to === undefined) break;
    damage.push({ from: at, to });
    at = to;
  }
  return { parts, damage, nextSequence, lastEnqueuedAtMs, events, firstEvent, end: at };
}
