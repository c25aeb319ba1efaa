import { addAbortSignal } from 'node:stream';
import { type Command, InvalidArgumentError } from 'commander';
import {
  createPoster,
  createProgressView,
  fileSource,
  formatNamed,
  formats,
  type ImportReport,
  renderReport,
  runImport,
  streamSource,
} from '../import/index.js';
import { systemClock } from '../shared/clock.js';
import { type GatewayFlags, gatewayOf } from './gateway-address.js';
import { positiveNumber, runningDataDir } from './options.js';
import { withStopSignal } from './signals.js';

const REQUEST_TIMEOUT_MS = 30_000;
const MAX_BATCH = 10_000;

interface ImportFlags extends GatewayFlags {
  readonly format: string;
  readonly shiftToNow?: boolean;
  readonly rate?: number;
  readonly speed?: number;
  readonly batch: number;
  readonly retryFor: number;
  readonly site?: string;
  readonly keepBots?: boolean;
  readonly json?: boolean;
}

const HELP = `
Formats:
${formats.map(({ name, summary }) => `  ${name.padEnd(10)} ${summary}`).join('\n')}

Every line is accounted for: accepted, duplicate, dropped on purpose or rejected, with the reason, and the line number
where it cannot be read. An import that is run again sends the same event ids.

A line of a log is a page view when it is a GET that was answered with 200 or 304, for something that a browser shows
as a page, by somebody who does not say to be a robot. What is none is dropped by the first of these reasons:
  malformed_request, method, redirect, partial_content, error_status, other_status
  asset_image, _style, _script, _font, _media, _feed, _data (JSON, XML …), _download (documents, archives, plain text
  and source files), _well_known (robots.txt, sitemaps …)
  no_user_agent, bot (kept with --keep-bots)
Reasons that begin with gateway_ are the gateway's own.

Exit code: 0 when every line is accounted for, 1 when it ended early, 130 after Ctrl-C.

Examples:
  penstock import --format combined /var/log/nginx/access.log
  penstock import --format combined access.log.gz --shift-to-now
  penstock import --format combined access.log.1.gz --site https://shop.example --speed 60
  zcat access.log.*.gz | penstock import --format combined - --rate 500
  penstock import --format shop-csv 2019-Oct.csv --url https://collect.example --write-key KEY --json
`;

export function register(command: Command): void {
  command
    .argument('<file>', 'file to import, plain or gzip; - reads standard input')
    .requiredOption('--format <name>', `what the file is: ${formats.map(({ name }) => name).join(', ')}`)
    .option('--shift-to-now', 'add one constant to every time, such that the newest event happens now')
    .option('--rate <n>', 'send at the most this many events a second', positiveNumber)
    .option('--speed <x>', 'send with the gaps of the file divided by x', positiveNumber)
    .option('--batch <n>', `events in one request, up to ${MAX_BATCH}`, batchSize, 500)
    .option('--retry-for <seconds>', 'how long to keep trying while the gateway takes nothing', positiveNumber, 60)
    .option('--site <url>', 'where the site of a log is, such as https://example.com, to make whole page URLs')
    .option('--keep-bots', 'keep the page views of robots')
    .option(...runningDataDir)
    .option('--url <url>', 'gateway to send to, instead of the running instance')
    .option('--write-key <key>', 'write key for --url')
    .option('--json', 'print the account as one JSON object on standard output')
    .addHelpText('after', HELP)
    .action((file: string, flags: ImportFlags) => withStopSignal((signal) => importFile(file, flags, signal)));
}

async function importFile(file: string, flags: ImportFlags, signal: AbortSignal): Promise<void> {
  const format = formatNamed(flags.format);
  const source =
    file === '-' ? streamSource('standard input', () => addAbortSignal(signal, process.stdin)) : fileSource(file);
  const poster = createPoster(
    { fetch, clock: systemClock, random: Math.random },
    { ...gatewayOf(flags), requestTimeoutMs: REQUEST_TIMEOUT_MS, giveUpAfterMs: flags.retryFor * 1000 },
  );
  const progress = createProgressView(systemClock, process.stderr);
  const report = await runImport(
    { clock: systemClock, poster, onProgress: progress.update },
    source,
    {
      format,
      formatOptions: {
        keepBots: flags.keepBots === true,
        ...(flags.site !== undefined && { site: siteOf(flags.site) }),
      },
      batchSize: flags.batch,
      pace: { ...(flags.rate && { rate: flags.rate }), ...(flags.speed && { speed: flags.speed }) },
      shiftToNow: flags.shiftToNow === true,
    },
    signal,
  );
  progress.finish();
  process.stderr.write(flags.json ? failureLine(report) : '');
  process.stdout.write(flags.json ? `${JSON.stringify(report)}\n` : renderReport(report));
  process.exitCode = { complete: 0, failed: 1, interrupted: 130 }[report.end];
}

const failureLine = ({ failure }: ImportReport) => (failure ? `penstock: ${failure.code}: ${failure.message}\n` : '');

function siteOf(text: string): string {
  if (!URL.canParse(text)) throw new InvalidArgumentError('It must be a URL, such as https://example.com.');
  return new URL(text).origin;
}

function batchSize(text: string): number {
  const value = positiveNumber(text);
  if (!Number.isInteger(value) || value > MAX_BATCH) throw new InvalidArgumentError(`It must be 1 to ${MAX_BATCH}.`);
  return value;
}
