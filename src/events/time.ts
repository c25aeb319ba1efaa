import { hasDay } from '../shared/calendar.js';

/** The instants that ISO 8601 writes with a four-digit year: 0000-01-01 to 9999-12-31. */
const MIN_TIME_MS = -62_167_219_200_000;
const MAX_TIME_MS = 253_402_300_799_999;
const MINUTE_MS = 60_000;

/** `2026-11-21T12:00:00Z`, with optional fraction, and `Z` or a numeric offset; the letters may be small (RFC 3339, 5.6). */
const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/i;

/** Reads times; see createTimeParser. */
export type TimeParser = (value: unknown) => number | undefined;

/**
 * Milliseconds since the epoch of what a client gave as a time: RFC 3339 text, or a number of milliseconds. Undefined
 * when it is neither, or not between the years 0000 and 9999.
 *
 * The last text is remembered, since the events of a request share their `sentAt`; and of the last canonical text
 * (`toISOString`'s form, which all browsers send) the minute, so that mostly only the seconds are left to read.
 */
export function createTimeParser(): TimeParser {
  let prefix = '';
  let minuteMs = 0;
  let lastText: string | undefined;
  let lastMs = 0;
  const parse: TimeParser = (value) => {
    if (typeof value === 'number') return isWritableTime(value) ? Math.trunc(value) : undefined;
    if (typeof value !== 'string' || value.length > 40) return undefined;
    const canonical = value.length === 24 && value[19] === '.' && value[23] === 'Z';
    if (canonical && value.startsWith(prefix) && prefix !== '') {
      const restMs = secondsOf(value);
      if (restMs !== undefined) return minuteMs + restMs;
    }
    if (!RFC_3339.test(value)) return undefined;
    const timeMs = Date.parse(value.toUpperCase());
    if (!isWritableTime(timeMs) || !hasDay(value)) return undefined;
    if (canonical) {
      prefix = value.slice(0, 17);
      minuteMs = timeMs - ((timeMs - MIN_TIME_MS) % MINUTE_MS);
    }
    return timeMs;
  };
  return (value) => {
    if (typeof value !== 'string') return parse(value);
    if (value === lastText) return lastMs;
    const timeMs = parse(value);
    if (timeMs === undefined) return undefined;
    lastText = value;
    lastMs = timeMs;
    return timeMs;
  };
}

/** Of `ss.sssZ` from character 17 on, in milliseconds; undefined when these are no digits, or 60 seconds and more. */
function secondsOf(text: string): number | undefined {
  const tens = text.charCodeAt(17) - ZERO;
  if (tens < 0 || tens > 5) return undefined;
  let restMs = tens;
  for (let at = 18; at < 23; at++) {
    if (at === 19) continue;
    const digit = text.charCodeAt(at) - ZERO;
    if (digit < 0 || digit > 9) return undefined;
    restMs = restMs * 10 + digit;
  }
  return restMs;
}

const ZERO = 0x30;

export function isWritableTime(timeMs: number): boolean {
  return timeMs >= MIN_TIME_MS && timeMs <= MAX_TIME_MS;
}

const SECONDS = Array.from({ length: 60 }, (_, seconds) => `${String(seconds).padStart(2, '0')}.`);
const MILLISECONDS = Array.from({ length: 1000 }, (_, ms) => `${String(ms).padStart(3, '0')}Z`);

/**
 * ISO 8601 in UTC with milliseconds, as `toISOString` gives it. The part up to the minute is remembered from call to
 * call: the events of a request nearly always share it, and building a Date costs more than all the rest.
 */
export function createTimeFormatter(): (timeMs: number) => string {
  let minute = Number.NaN;
  let prefix = '';
  return (timeMs) => {
    const nowMinute = Math.floor(timeMs / MINUTE_MS);
    if (nowMinute !== minute) {
      minute = nowMinute;
      prefix = new Date(timeMs).toISOString().slice(0, 17);
    }
    const restMs = timeMs - nowMinute * MINUTE_MS;
    const seconds = Math.floor(restMs / 1000);
    // The short ones first: of two long texts V8 makes no new one yet, but a pair, which costs again when it is written.
    return prefix + ((SECONDS[seconds] as string) + (MILLISECONDS[restMs - seconds * 1000] as string));
  };
}
