import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { isbot } from 'isbot';

/**
 * Counts made straight from the files, by means other than the ones under test: a regular expression and a split, the
 * file as a whole in memory.
 */
export interface DirectView {
  /** Milliseconds since the epoch, as the file has it. */
  readonly atMs: number;
  readonly visitor: string;
  readonly path: string;
}

const COMBINED = /^(\S+) \S+ \S+ \[([^\]]+)\] "(\S+) (\S+)[^"]*" (\d{3}) \S+ "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)"/;
const MONTHS = 'JanFebMarAprMayJunJulAugSepOctNovDec';

/** `17/May/2015:10:05:03 +0000`, which this file has in UTC throughout. */
function parseTime(text: string): number {
  const [day, month, rest] = text.split('/') as [string, string, string];
  const [year, hour, minute, second] = (rest.split(' ')[0] as string).split(':').map(Number) as [
    number,
    number,
    number,
    number,
  ];
  return Date.UTC(year, MONTHS.indexOf(month) / 3, Number(day), hour, minute, second);
}

export function readLines(accessLog: string): string[] {
  return gunzipSync(readFileSync(accessLog)).toString('utf8').trimEnd().split('\n');
}

/** The lines that a person's browser asked a page with; `isPage` is the importer's documented rule for targets. */
export function readPageViews(accessLog: string, isPage: (target: string) => boolean): DirectView[] {
  const views: DirectView[] = [];
  for (const line of readLines(accessLog)) {
    const match = COMBINED.exec(line);
    if (match === null) continue;
    const [, address, time, method, target, status, , userAgent] = match as unknown as [string, ...string[]];
    const path = (target as string).split('?')[0] as string;
    if (method !== 'GET' || (status !== '200' && status !== '304')) continue;
    if (userAgent === '-' || isbot(userAgent as string) || !isPage(target as string)) continue;
    views.push({ atMs: parseTime(time as string), visitor: `${address} ${userAgent}`, path });
  }
  return views;
}

export interface ShopRow {
  readonly atMs: number;
  readonly type: string;
  readonly category: string;
  readonly userId: string;
  readonly productId: string;
  readonly price: number;
}

/** The file has no quoted fields, so that a split reads it. */
export function readShopRows(shopCsv: string): ShopRow[] {
  const [, ...lines] = readFileSync(shopCsv, 'utf8').trimEnd().split('\n');
  return lines.map((line) => {
    const [time, type, productId, , category, , price, userId] = line.split(',') as string[];
    return {
      atMs: Date.parse((time as string).replace(' UTC', 'Z').replace(' ', 'T')),
      type: type as string,
      category: category as string,
      userId: userId as string,
      productId: productId as string,
      price: Number(price),
    };
  });
}

/** Groups by minute: how many views, how many distinct visitors. */
export function byMinute(
  views: readonly { atMs: number; visitor: string }[],
): Map<number, { views: number; visitors: number }> {
  const panes = new Map<number, { views: number; visitors: Set<string> }>();
  for (const view of views) {
    const start = Math.floor(view.atMs / 60_000) * 60_000;
    let pane = panes.get(start);
    if (pane === undefined) {
      pane = { views: 0, visitors: new Set() };
      panes.set(start, pane);
    }
    pane.views += 1;
    pane.visitors.add(view.visitor);
  }
  return new Map([...panes].map(([start, pane]) => [start, { views: pane.views, visitors: pane.visitors.size }]));
}
