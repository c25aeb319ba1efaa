import { counted } from '../../shared/counted.js';

const numberFormat = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
const smallFormat = new Intl.NumberFormat('en', { maximumFractionDigits: 2 });
const centsFormat = new Intl.NumberFormat('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const briefFormat = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 });
const tinyFormat = new Intl.NumberFormat('en', { notation: 'scientific', maximumSignificantDigits: 2 });
const percentFormat = new Intl.NumberFormat('en', { style: 'percent' });
const clockFormat = new Intl.DateTimeFormat('en', {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});
const minuteFormat = new Intl.DateTimeFormat('en', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const zonedFormat = new Intl.DateTimeFormat('en', {
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
  timeZoneName: 'shortOffset',
});
/** The English of this region puts the day's name first: "Sat 21". */
const dayFormat = new Intl.DateTimeFormat('en-GB', { weekday: 'short', day: 'numeric' });
const dateFormat = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });
const HOUR_MS = 3_600_000;
const countryNames = new Intl.DisplayNames('en', { type: 'region', fallback: 'code' });

/** Of a share or a rate, one digit more. */
export const formatNumber = (value: number): string => (Math.abs(value) < 1 ? smallFormat : numberFormat).format(value);
/** An amount of money: with cents, or whole where there are none. */
export const formatMoney = (value: number): string =>
  (Number.isInteger(value) ? numberFormat : centsFormat).format(value);
const TINY = 0.001;
/** A number beside an axis, where there is room for six characters: "950", "12.5K", "0.0125", "2.5E-6". */
export const formatOnScale = (value: number): string =>
  (value !== 0 && Math.abs(value) < TINY ? tinyFormat : briefFormat).format(value);
/** The whole number where there is room for so many characters, else a few digits of it: one that is cut is another one. */
export function formatWithin(room: number, value: number, format: (value: number) => string = formatNumber): string {
  const whole = format(value);
  return whole.length <= room ? whole : briefFormat.format(value);
}
export const formatPercent = (share: number): string => percentFormat.format(share);
/** "▲ 3", "▼ 2", "= 0"; the number in so many characters. */
export const formatChange = (value: number, room = Number.POSITIVE_INFINITY, format = formatNumber): string =>
  `${value > 0 ? '▲' : value < 0 ? '▼' : '='} ${formatWithin(room, Math.abs(value), format)}`;
/** Hours, minutes and seconds of an ISO 8601 time, in the viewer's time zone. */
export const formatClock = (iso: string): string => format(clockFormat, Date.parse(iso));
/** The clock alone would say that something of last week was today. */
export const isDated = (iso: string, nowMs: number): boolean => Math.abs(nowMs - Date.parse(iso)) >= 20 * HOUR_MS;
/** Hours, minutes and seconds of what was of late; of what was not its day, hours and minutes. */
export const formatWhen = (iso: string, nowMs: number): string =>
  isDated(iso, nowMs) ? `${format(dateFormat, Date.parse(iso))}, ${formatMinute(Date.parse(iso))}` : formatClock(iso);
/** An hour that comes twice, as clocks are set back, is told with its zone: "02:30 GMT+1". */
export const formatMinute = (ms: number): string => format(comesTwice(ms) ? zonedFormat : minuteFormat, ms);
/** Hours and minutes; in a span of days the day too, and of many days the day alone, where it begins. */
export const formatTick = (ms: number, spanMs: number): string => {
  if (spanMs < 20 * HOUR_MS) return format(minuteFormat, ms);
  const atMidnight = minuteFormat.format(ms) === '00:00';
  if (atMidnight) return format(dayFormat, ms);
  return spanMs > 48 * HOUR_MS ? '' : format(minuteFormat, ms);
};
/** Day, hours and minutes. */
export const formatDayMinute = (ms: number): string => `${format(dayFormat, ms)}, ${formatMinute(ms)}`;

/** Clocks are set back by an hour, and on Lord Howe Island by half of one. */
function comesTwice(ms: number): boolean {
  const shown = format(minuteFormat, ms);
  return [-1, -0.5, 0.5, 1].some((hours) => shown === format(minuteFormat, ms + hours * HOUR_MS) && shown !== '–');
}

function format(formatter: Intl.DateTimeFormat, ms: number): string {
  return Number.isFinite(ms) ? formatter.format(ms) : '–';
}

/** A duration in one unit: "4 s", "12 min", "3 h", "2 d". */
export function formatAge(ageMs: number): string {
  const seconds = Math.max(0, Math.floor(ageMs / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** "5 minutes", "2 hours". */
export const formatMinutes = (minutes: number): string =>
  minutes % 60 === 0 ? counted(minutes / 60, 'hour') : counted(minutes, 'minute');

/** "Germany" for "DE"; what is no country code stays as it is. */
export function formatCountry(code: string): string {
  return /^[A-Za-z]{2}$/.test(code) ? (countryNames.of(code.toUpperCase()) ?? code) : code;
}

/** Ids of one minute begin alike (UUID version 7), so a long one keeps its end too. */
export function formatId(id: string): string {
  return id.length > 12 ? `${id.slice(0, 4)}…${id.slice(-4)}` : id;
}

/** A name that somebody else chose: what would turn the line around, or break it, is seen and does not. */
export function formatName(name: string): string {
  return name.replace(/[\p{Cc}\u202A-\u202E\u2066-\u2069]/gu, '\uFFFD');
}

/** The same where there is nothing else to tell what it is: "(blank)" for one of which nothing is seen. */
export function formatLabel(name: string): string {
  return /^[\s\p{Cf}]*$/u.test(name) ? '(blank)' : formatName(name);
}
