const DAY_MS = 86_400_000;

/** .NET's TimeSpan.MaxValue, which stands for "never" in every description. */
export const FOREVER = 'P10675199DT2H48M5.4775807S';

/** Milliseconds as an ISO 8601 duration of days and a time, as the service writes it: `PT1M`, `P14D`, `PT0S`. */
export function formatDuration(ms: number): string {
  if (ms === Number.POSITIVE_INFINITY) return FOREVER;
  const days = Math.floor(ms / DAY_MS);
  const hours = Math.floor((ms % DAY_MS) / 3_600_000);
  const minutes = Math.floor((ms % 3_600_000) / 60_000);
  const seconds = (ms % 60_000) / 1000;
  const date = days > 0 ? `${days}D` : '';
  const time = [
    hours > 0 ? `${hours}H` : '',
    minutes > 0 ? `${minutes}M` : '',
    seconds > 0 || ms === 0 ? `${seconds}S` : '',
  ].join('');
  return `P${date}${time === '' ? '' : `T${time}`}`;
}
