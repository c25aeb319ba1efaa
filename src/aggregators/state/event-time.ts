import type { PenstockEvent } from '../../events/index.js';
import { parseIsoTime } from '../iso-time.js';

/** Longest text of a time. JavaScript reads times with comments of any length in them, and lists keep the text. */
const MAX_TIME_LENGTH = 64;

/** The event time of something that has the shape of an event, NaN of anything else. */
export function timeOf(element: unknown): number {
  if (element === null || typeof element !== 'object') return Number.NaN;
  const { id, type, time, data } = element as Partial<Record<keyof PenstockEvent, unknown>>;
  const wellFormed =
    typeof id === 'string' &&
    typeof type === 'string' &&
    typeof time === 'string' &&
    time.length <= MAX_TIME_LENGTH &&
    data !== null &&
    typeof data === 'object' &&
    isTextOrAbsent((data as Partial<EventNames>).anonymousId) &&
    isTextOrAbsent((data as Partial<EventNames>).userId);
  return wellFormed ? parseIsoTime(time) : Number.NaN;
}

/** Whom an event names. Another producer may send anything there, and the state is saved by these names. */
type EventNames = Readonly<Record<'anonymousId' | 'userId', unknown>>;

const isTextOrAbsent = (value: unknown): boolean => typeof value === 'string' || value === undefined || value === null;
