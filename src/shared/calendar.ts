/** Whether the month of a date, `2026-02-28…`, has that day: `Date.parse` takes the 30th of February for the 2nd of March. */
export function hasDay(date: string): boolean {
  const day = Number(date.slice(8, 10));
  return day <= 28 || new Date(`${date.slice(0, 10)}T00:00:00Z`).getUTCDate() === day;
}
