import { openingFrame } from './frame.js';
import type { IndexedFrame } from './segment-index.js';
import type { Segments } from './segments.js';

export interface Round {
  /** The frames as they are written. */
  readonly slices: readonly Buffer[];
  readonly frames: readonly IndexedFrame[];
  /** Whether a new segment is asked for. */
  readonly anew: boolean;
}

/** Writes frames to the newest segment, or to a new one when that is full. */
export function createRolling(segments: Pick<Segments, 'newest' | 'append' | 'begin'>, segmentBytes: () => number) {
  return async function store({ slices, frames, anew }: Round): Promise<void> {
    const newest = segments.newest();
    const isFirst = newest.bytes() === 0;
    const bytes = frames.reduce((sum, frame) => sum + frame.bytes, newest.bytes());
    const holdsEvents = newest.nextSequence() > newest.base;
    const isFullSegment = holdsEvents && (anew || bytes > segmentBytes());
    if (!isFirst && !isFullSegment) {
      await segments.append(slices, frames);
      return;
    }
    const sequence = newest.nextSequence();
    const opening = { sequence, enqueuedAtMs: newest.lastEnqueuedAtMs(), note: newest.note() };
    const head = openingFrame({ ...opening, durableBelow: sequence });
    await segments.begin(sequence, [head, ...slices], [{ ...opening, count: 0, bytes: head.length }, ...frames]);
  };
}
