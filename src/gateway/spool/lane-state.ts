import type { SpoolRecord } from './record-key.js';

/** What is known of a lane without reading it. */
export interface LaneState {
  nextSequence: number;
  /** No record below it is there any more. */
  firstSequence: number;
  records: number;
  bytes: number;
  /** Of the records, those that are on disk for sure: neither on their way in nor on their way out. */
  lying: number;
  oldestAtMs: number | undefined;
  /** Of the newest record. */
  newestAtMs: number;
  /** The clock was set back to here, so that records may have earlier times than the oldest one. */
  setBackToMs: number;
  /** When records were taken that have been set aside, of the newest. */
  asideAtMs: number[];
}

/** What became of a record: `set_aside` is that its broker will never take it. */
export type SpooledState = 'waiting' | 'delivered' | 'set_aside';

export interface TimeSpan {
  readonly fromMs: number;
  readonly toMs: number;
}

const MAX_ASIDE = 1000;

export const emptyLane = (): LaneState => ({
  ...{ nextSequence: 0, firstSequence: 0, records: 0, bytes: 0, lying: 0, oldestAtMs: undefined },
  ...{ newestAtMs: Number.NEGATIVE_INFINITY, setBackToMs: Number.POSITIVE_INFINITY },
  asideAtMs: [],
});

/** A record was taken: on its way to the disk it counts as well, so that nothing overtakes it. */
export function noteTaken(state: LaneState, { bytes, atMs }: Pick<SpoolRecord, 'bytes' | 'atMs'>): void {
  state.records++;
  state.bytes += bytes;
  state.oldestAtMs ??= atMs;
  if (atMs < state.newestAtMs) state.setBackToMs = Math.min(state.setBackToMs, atMs);
  state.newestAtMs = atMs;
}

/** A record is gone. */
export function noteGone(state: LaneState, { bytes }: Pick<SpoolRecord, 'bytes'>): void {
  state.records--;
  state.bytes -= bytes;
  if (state.records === 0) forgetTimes(state);
}

function forgetTimes(state: LaneState): void {
  const { oldestAtMs, newestAtMs, setBackToMs } = emptyLane();
  Object.assign(state, { oldestAtMs, newestAtMs, setBackToMs });
}

export function noteAside({ asideAtMs }: LaneState, { atMs }: Pick<SpoolRecord, 'atMs'>): void {
  if (asideAtMs.push(atMs) > MAX_ASIDE) asideAtMs.shift();
}

/** What became of a record that was taken between two times. In doubt it is still waiting. */
export function recordState(
  { oldestAtMs, setBackToMs, asideAtMs }: LaneState,
  { fromMs, toMs }: TimeSpan,
): SpooledState {
  if (oldestAtMs !== undefined && Math.min(oldestAtMs, setBackToMs) <= toMs) return 'waiting';
  return asideAtMs.some((atMs) => atMs >= fromMs && atMs <= toMs) ? 'set_aside' : 'delivered';
}
