import { QueryError, type ReplayBounds } from '../query/index.js';
import { isoTimeMs } from './options.js';

export interface ReplayTimeFlags {
  readonly from: string;
  readonly to?: string;
  readonly figures?: true;
  readonly asOf?: string;
}

export interface ReplayTimes {
  readonly bounds: ReplayBounds;
  /** The time that figures are for; undefined where none are wanted. */
  readonly asOfMs: number | undefined;
}

const SECOND_MS = 1_000;

/**
 * What is to be read. Figures as of a time are those of what had come by then: a visitor who came again later is counted in
 * the minute of that, and would be missing in those before. `inSeconds`: times of arrival are known to the second alone.
 * @throws QueryError PS_REPLAY_INVALID
 */
export function replayTimes(flags: ReplayTimeFlags, inSeconds: boolean, nowMs: number): ReplayTimes {
  const bounds = boundsOf(flags);
  if (inSeconds) refuseFractions(bounds);
  if (flags.figures === undefined) {
    if (flags.asOf !== undefined) throw new QueryError('PS_REPLAY_INVALID', '--as-of is for --figures');
    return { bounds, asOfMs: undefined };
  }
  if (flags.asOf === undefined) return { bounds, asOfMs: Number.isFinite(bounds.toMs) ? bounds.toMs : nowMs };
  const asOfMs = timeOf('--as-of', flags.asOf);
  if (asOfMs <= bounds.fromMs) throw new QueryError('PS_REPLAY_INVALID', '--as-of must be after --from');
  const readToMs = inSeconds ? Math.ceil(asOfMs / SECOND_MS) * SECOND_MS : asOfMs;
  return { bounds: { ...bounds, toMs: Math.min(bounds.toMs, readToMs) }, asOfMs };
}

function boundsOf({ from, to }: ReplayTimeFlags): ReplayBounds {
  const bounds = {
    fromMs: from === 'earliest' ? 0 : timeOf('--from', from),
    toMs: to === undefined ? Number.POSITIVE_INFINITY : timeOf('--to', to),
  };
  if (bounds.toMs <= bounds.fromMs) throw new QueryError('PS_REPLAY_INVALID', '--to must be after --from');
  return bounds;
}

/** Files of Capture know times to the second: within one nobody can tell what is before a bound. */
function refuseFractions({ fromMs, toMs }: ReplayBounds): void {
  if ([fromMs, toMs].every((ms) => ms === Number.POSITIVE_INFINITY || ms % SECOND_MS === 0)) return;
  throw new QueryError('PS_REPLAY_INVALID', 'files of Capture know whole seconds, and so must --from and --to');
}

function timeOf(flag: string, text: string): number {
  const ms = isoTimeMs(text);
  if (ms === undefined) throw new QueryError('PS_REPLAY_INVALID', `${flag} ${text} is no ISO 8601 time`);
  return ms;
}
