import { writeFileSync } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import { createPoster, createProgressView, createSender, createTally, type Tally } from '../import/index.js';
import { systemClock } from '../shared/clock.js';
import { PenstockError } from '../shared/errors.js';
import {
  createTruth,
  defaultShopOptions,
  type GroundTruth,
  type ShopOptions,
  simulateShop,
} from '../simulator/index.js';
import { type GatewayFlags, gatewayOf } from './gateway-address.js';
import { isoTimeMs, positiveInteger, positiveNumber, runningDataDir } from './options.js';
import { openOutput } from './output-file.js';
import { withStopSignal } from './signals.js';

const REQUEST_TIMEOUT_MS = 30_000;
const DEFAULT_VISITORS = 100;

interface SimulateFlags extends GatewayFlags {
  readonly seed: number;
  readonly visitors?: number;
  readonly duration?: number;
  readonly rate: number;
  readonly speed: number;
  readonly start?: string;
  readonly duplicates: number;
  readonly heldBack: number;
  readonly late: number;
  readonly tooLate: number;
  readonly lateness: number;
  readonly batch: number;
  readonly retryFor: number;
  readonly truth?: string;
  readonly json?: boolean;
}

const HELP = `
The same options with the same --start give the same events. Without --start the shop opens now, or, with a --speed
other than 1, early enough that its last event is sent now.
Exit code: 0 when every event has an answer, 1 when the gateway took nothing, 130 after Ctrl-C.

Examples:
  penstock simulate
  penstock simulate --duration 600 --rate 200 --truth truth.json
  penstock simulate --visitors 5000 --speed max --seed 7 --json
  penstock simulate --visitors 200 --speed max --start 2026-01-01T00:00:00Z --duplicates 0.2 --too-late 0
`;

export function register(command: Command): void {
  const d = defaultShopOptions;
  command
    .option('--seed <n>', 'the seed of everything that is left to chance', positiveInteger, d.seed)
    .option('--visitors <n>', `so many visitors, each to the last page (default: ${DEFAULT_VISITORS})`, positiveInteger)
    .option('--duration <seconds>', 'a window of so many seconds of a shop that is open already', positiveNumber)
    .option('--rate <n>', 'mean number of events a second', positiveNumber, d.rate)
    .option('--speed <x>', 'send x times as fast as it happens; "max" sends as fast as the gateway answers', speed, 1)
    .option('--start <time>', 'when it begins: ISO 8601, or "now"')
    .option('--duplicates <share>', 'share of the events that are sent twice', share, d.duplicates)
    .option(
      '--held-back <share>',
      'share of the events that are sent up to 30 s after they happened',
      share,
      d.heldBack,
    )
    .option('--late <share>', 'page views of offline devices, within the lateness, for each event', share, d.late)
    .option(
      '--too-late <share>',
      'page views of offline devices, beyond the lateness, for each event',
      share,
      d.tooLate,
    )
    .option('--lateness <seconds>', 'the lateness that aggregators allow', positiveNumber, d.latenessMs / 1000)
    .option('--batch <n>', 'most events in one request', positiveInteger, 500)
    .option('--retry-for <seconds>', 'how long to keep trying while the gateway takes nothing', positiveNumber, 60)
    .option('--truth <file>', 'write the ground truth as JSON')
    .option(...runningDataDir)
    .option('--url <url>', 'gateway to send to, instead of the running instance')
    .option('--write-key <key>', 'write key for --url')
    .option('--json', 'print options, account and ground truth as one JSON object on standard output')
    .addHelpText('after', HELP)
    .action((flags: SimulateFlags) => withStopSignal((signal) => simulate(flags, signal)));
}

async function simulate(flags: SimulateFlags, signal: AbortSignal): Promise<void> {
  const options = shopOptionsOf(flags, systemClock.now());
  const truthFile = flags.truth === undefined ? undefined : openOutput(flags.truth);
  const tally = createTally();
  const truth = createTruth();
  const poster = createPoster(
    { fetch, clock: systemClock, random: Math.random },
    { ...gatewayOf(flags), requestTimeoutMs: REQUEST_TIMEOUT_MS, giveUpAfterMs: flags.retryFor * 1000 },
  );
  const sender = createSender({ clock: systemClock, poster, tally }, { batchSize: flags.batch, shiftMs: 0, signal });
  const openedMs = systemClock.now();
  const view = createProgressView(systemClock, process.stderr);
  const progress = {
    phase: 'posting' as const,
    unit: 'events',
    readBytes: 0,
    get tally() {
      return tally.current;
    },
  };
  let number = 0;
  for (const delivery of simulateShop(options)) {
    const { event, occurredAtMs, sendAtMs } = delivery;
    const dueMs = openedMs + (sendAtMs - options.startMs) / flags.speed;
    await sender.add({ kind: 'event', line: ++number, timeMs: occurredAtMs, event }, dueMs);
    truth.add(delivery);
    view.update(progress);
    if (signal.aborted || sender.failure) break;
  }
  await sender.drain();
  view.finish();
  report(flags, truthFile, { options, tally: tally.current, truth: truth.current() });
  if (sender.failure) throw sender.failure;
  if (signal.aborted) process.exitCode = 130;
}

function report(
  flags: SimulateFlags,
  truthFile: number | undefined,
  result: { options: ShopOptions; tally: Tally; truth: GroundTruth },
): void {
  const { tally, truth } = result;
  if (truthFile !== undefined) writeFileSync(truthFile, `${JSON.stringify(truth, null, 2)}\n`);
  if (flags.json) {
    process.stdout.write(`${JSON.stringify(result)}\n`);
    return;
  }
  process.stdout.write(
    `sent ${tally.lines}: ${tally.accepted} accepted, ${tally.duplicate} duplicate, ${tally.unsent} unsent, ` +
      `dropped ${JSON.stringify(tally.dropped)}, rejected ${JSON.stringify(tally.rejected)}\n` +
      `truth: ${truth.events} events and ${truth.duplicates} duplicates; ${truth.visitors} visitors, ${truth.sessions} sessions, ` +
      `${truth.pageViews} page views; ${truth.purchases.count} purchases worth ${truth.purchases.value}, ` +
      `${truth.refunds.count} refunds; ${truth.likelyChurners.length} likely churners; ` +
      `${truth.byTiming.late} late, ${truth.byTiming.too_late} too late\n`,
  );
}

/** @throws PenstockError PS_CONFIG_INVALID when the flags contradict each other. */
function shopOptionsOf(flags: SimulateFlags, nowMs: number): ShopOptions {
  if (flags.visitors !== undefined && flags.duration !== undefined)
    throw new PenstockError('PS_CONFIG_INVALID', '--visitors and --duration contradict each other: give one of them');
  const { seed, rate, duplicates, heldBack, late, tooLate } = flags;
  const options: ShopOptions = {
    ...defaultShopOptions,
    ...{ seed, rate, duplicates, heldBack, late, tooLate },
    latenessMs: flags.lateness * 1000,
    startMs: startOf(flags.start, nowMs),
    extent:
      flags.duration === undefined
        ? { visitors: flags.visitors ?? DEFAULT_VISITORS }
        : { durationMs: flags.duration * 1000 },
  };
  if (flags.start !== undefined || flags.speed === 1) return options;
  // How long it lasts is known once it has been played through.
  let lastMs = options.startMs;
  for (const { sendAtMs } of simulateShop(options)) lastMs = sendAtMs;
  return { ...options, startMs: Math.round(nowMs - (lastMs - options.startMs)) };
}

function startOf(text: string | undefined, nowMs: number): number {
  if (text === undefined || text === 'now') return nowMs;
  const startMs = isoTimeMs(text);
  if (startMs === undefined) throw new PenstockError('PS_CONFIG_INVALID', `--start ${text} is not an ISO 8601 time`);
  return startMs;
}

function share(text: string): number {
  const value = Number(text);
  if (!(value >= 0 && value <= 1)) throw new InvalidArgumentError('It must be a number from 0 to 1.');
  return value;
}

function speed(text: string): number {
  return text === 'max' ? Number.POSITIVE_INFINITY : positiveNumber(text);
}
