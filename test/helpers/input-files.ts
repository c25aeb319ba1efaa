import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';

/**
 * Real input lies beside the project, not in it: 10,000 lines of a web server's log and 1,000 events of a shop. Where it
 * is not there, tests that compare with counts made from the file run on generated files of the same form; tests that
 * know the real files' totals run only with the real files.
 */
export interface InputFiles {
  readonly accessLog: string;
  readonly shopCsv: string;
}

const filesIn = (folder: string): InputFiles => ({
  accessLog: join(folder, 'access.log.gz'),
  shopCsv: join(folder, 'shop-events.csv'),
});

export const realInput = filesIn(resolve('../shared/data'));
export const hasRealInput = Object.values(realInput).every((file) => existsSync(file as string));

/** The real files, or else generated ones. */
export function inputFiles(): InputFiles {
  return hasRealInput ? realInput : generate();
}

function generate(): InputFiles {
  const files = filesIn(mkdtempSync(join(tmpdir(), 'penstock-input-')));
  writeFileSync(files.accessLog, gzipSync(`${accessLogLines(3000).join('\n')}\n`));
  writeFileSync(files.shopCsv, `${shopLines(600).join('\n')}\n`);
  return files;
}

const TARGETS = ['/', '/blog/', '/blog/a?page=2', '/logo.png', '/style.css', '/robots.txt', '/?flav=rss20', '/missing'];
const AGENTS = [
  'Mozilla/5.0 (X11; Linux x86_64; rv:27.0) Gecko/20100101 Firefox/27.0',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_9_1) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/32.0 Safari/537.36',
  'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)',
  '-',
];
const pick = <T>(list: readonly T[], index: number) => list[index % list.length] as T;
const two = (value: number) => String(value).padStart(2, '0');

function accessLogLines(count: number): string[] {
  return Array.from({ length: count }, (_, index) => {
    const time = new Date(Date.UTC(2015, 4, 17, 10, 0, 0) + index * 7_000);
    const clock = [time.getUTCHours(), time.getUTCMinutes(), time.getUTCSeconds()].map(two).join(':');
    const status = pick([200, 200, 304, 200, 404, 301], index * 5);
    const target = pick(TARGETS, index * 3);
    return `10.0.${index % 7}.${index % 97} - - [${time.getUTCDate()}/May/2015:${clock} +0000] "GET ${target} HTTP/1.1" ${status} 512 "-" "${pick(AGENTS, index * 11)}"`;
  });
}

function shopLines(count: number): string[] {
  const rows = Array.from({ length: count }, (_, index) => {
    const time = new Date(Date.UTC(2019, 9, 1) + index * 900).toISOString().slice(0, 19).replace('T', ' ');
    const type = index % 60 === 59 ? 'purchase' : index % 25 === 24 ? 'cart' : 'view';
    const category = pick(['electronics.smartphone', '', 'apparel.shoes', 'apparel.jacket'], index);
    return `${time} UTC,${type},${100 + (index % 40)},${index % 9},${category},brand,${10 + (index % 5)}.50,${index % 83},session-${index % 83}`;
  });
  return ['event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session', ...rows];
}
