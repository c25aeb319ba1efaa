const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

const isLeap = (year: number): boolean => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);

/** How many days a month has, which is 1 to 12; none of any other. */
export const daysIn = (year: number, month: number): number =>
  month === 2 && isLeap(year) ? 29 : (MONTH_DAYS[month - 1] ?? 0);

/** Whether the month of a date, `2026-02-28…`, has that day: `Date.parse` takes the 30th of February for the 2nd of March. */
export function hasDay(date: string): boolean {
  const day = Number(date.slice(8, 10));
  return day <= 28 || day <= daysIn(Number(date.slice(0, 4)), Number(date.slice(5, 7)));
}
