const DAY_MS = 86_400_000;

/** .NET's TimeSpan.MaxValue, which Azure writes for "never": P10675199DT2H48M5.4775807S. */
const MAX_TIME_SPAN_MS = 10_675_199 * DAY_MS;

const pattern = /^(-)?P(?:(\d{1,9})W|(?:(\d{1,9})D)?(T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,12}(?:\.\d{1,9})?)S)?)?)$/;

/**
 * Parses an ISO 8601 duration of weeks or of days and a time: `PT13H`, `P14D`, `PT0.5S`. Years and months have no fixed
 * length and are refused, as the services do.
 * @returns milliseconds; Infinity for the longest time span of .NET; undefined when the text is no such duration
 */
export function parseDuration(text: string): number | undefined {
  const match = pattern.exec(text);
  if (match === null) return undefined;
  const [, minus, weeks, days, time, hours, minutes, seconds] = match;
  const parts = [weeks, days, hours, minutes, seconds];
  if (parts.every((part) => part === undefined) || time === 'T' || minus !== undefined) return undefined;
  const ms =
    Number(weeks ?? 0) * 7 * DAY_MS +
    Number(days ?? 0) * DAY_MS +
    Number(hours ?? 0) * 3_600_000 +
    Number(minutes ?? 0) * 60_000 +
    Math.round(Number(seconds ?? 0) * 1000);
  return ms >= MAX_TIME_SPAN_MS ? Infinity : ms;
}

/** The same in words: `13 h`, `14 d`, `1 min 30 s`, `never`. */
export function describeDuration(ms: number): string {
  if (ms === Infinity) return 'never';
  const units: readonly (readonly [string, number])[] = [
    ['d', DAY_MS],
    ['h', 3_600_000],
    ['min', 60_000],
    ['s', 1000],
    ['ms', 1],
  ];
  const words: string[] = [];
  let rest = ms;
  for (const [unit, size] of units) {
    const count = Math.floor(rest / size);
    if (count > 0) words.push(`${count} ${unit}`);
    rest -= count * size;
  }
  return words.join(' ') || '0 s';
}
