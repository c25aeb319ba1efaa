import type { OutageResult, Phase } from './run.js';

const MEGABYTE = 2 ** 20;
const COLUMNS = ['', 'before', 'away', 'drain', 'after'] as const;
const LINES_OF_TIME = 20;

const rounded = (value: number): string => Math.round(value).toLocaleString('en-GB');

/** The smallest value that `share` of all are not above. */
function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

/** The run as Markdown: what each stretch of it was like, and memory and spool over time. */
export function report(result: OutageResult): string {
  return [phasesOf(result), '', timeOf(result), '', ...conclusionOf(result)].join('\n');
}

function phasesOf({ phases }: OutageResult): string {
  const rows: readonly (readonly [string, (phase: Phase) => string])[] = [
    ['seconds', ({ ms }) => (ms / 1000).toFixed(1)],
    ['page views accepted in the broker', ({ answers }) => rounded(answers.views.durable.broker)],
    ['page views accepted on disk', ({ answers }) => rounded(answers.views.durable.spool)],
    ['their answers, p50 / p99 / longest ms', ({ answers }) => waits(answers.views.tookMs)],
    ['orders accepted in the broker', ({ answers }) => rounded(answers.orders.durable.broker)],
    ['orders accepted on disk', ({ answers }) => rounded(answers.orders.durable.spool)],
    ['their answers, p50 / p99 / longest ms', ({ answers }) => waits(answers.orders.tookMs)],
    ['requests sent again', ({ answers }) => rounded(answers.views.again + answers.orders.again)],
    ['most resident MB', ({ samples }) => rounded(Math.max(...samples.map((one) => one.residentBytes)) / MEGABYTE)],
    ['most spooled MB', ({ samples }) => rounded(Math.max(...samples.map((one) => one.spoolBytes)) / MEGABYTE)],
  ];
  const lines = rows.map(([name, cell]) => [name, ...phases.map(cell)]);
  return tableOf([[...COLUMNS], ...lines]);
}

const waits = (tookMs: readonly number[]): string =>
  [quantile(tookMs, 0.5), quantile(tookMs, 0.99), quantile(tookMs, 1)].map(rounded).join(' / ');

function timeOf({ phases }: OutageResult): string {
  const samples = phases.flatMap(({ name, samples: all }) => all.map((one) => ({ name, ...one })));
  const [first] = samples;
  const step = Math.max(1, Math.ceil(samples.length / LINES_OF_TIME));
  const lines = samples
    .filter((_, index) => index % step === 0)
    .map(({ name, atMs, residentBytes, spoolRecords, spoolBytes }) => [
      rounded((atMs - (first?.atMs ?? 0)) / 1000),
      name,
      rounded(residentBytes / MEGABYTE),
      rounded(spoolRecords),
      rounded(spoolBytes / MEGABYTE),
    ]);
  return tableOf([['second', 'stretch', 'resident MB', 'spooled records', 'spooled MB'], ...lines]);
}

function conclusionOf({ phases, arrived, repeated, orders, violations }: OutageResult): string[] {
  const spooled = phases.reduce((sum, { answers }) => sum + answers.views.durable.spool, 0);
  const drain = phases.find(({ name }) => name === 'drain');
  const seconds = (drain?.ms ?? 0) / 1000;
  return [
    `drained ${rounded(spooled)} page views in ${seconds.toFixed(1)} s, ${rounded(spooled / seconds)} a second, beside the load`,
    `${rounded(arrived)} page views arrived, in order, and ${rounded(repeated)} of them came again; ${rounded(orders)} orders`,
    ...violations.slice(0, 20).map((violation) => `NOT KEPT ${violation}`),
    `${violations.length} promises not kept`,
  ];
}

const tableOf = ([head = [], ...body]: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...body].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
