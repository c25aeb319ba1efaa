import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import type { Writable } from 'node:stream';
import { type Command, Option } from 'commander';
import { type ReplayBounds, readFigures, replay } from '../query/index.js';
import { type Clock, systemClock } from '../shared/clock.js';
import { type Config, loadConfig } from '../shared/config/index.js';
import { runningDataDir } from './options.js';
import { openOutput } from './output-file.js';
import { isClosedPipe } from './print-text.js';
import { openSource, type ReplaySource, SOURCES, type SourceFlags } from './replay-source.js';
import { type ReplayTimeFlags, replayTimes } from './replay-times.js';

const PROGRESS_MS = 1_000;
/** 32 random bits. */
const SEEDS = 2 ** 32;

interface ReplayFlags extends SourceFlags, ReplayTimeFlags {
  readonly output?: string;
}

const HELP = `
Files of Capture know times to the second, and the newest events are in one only when its window has closed.
Exit code: 1 when something is wrong with a file of Capture; what is whole in it, and all others, are written before
that, but no figures.

Examples:
  penstock replay --from earliest
  penstock replay --source capture --from 2026-01-01 --to 2026-01-02 --output day.ndjson
  penstock replay --source capture --from 2026-01-01 --to 2026-01-02 --figures
`;

export function register(command: Command): void {
  command
    .requiredOption('--from <time>', 'enqueued at or after this ISO 8601 time, or "earliest"')
    .option('--to <time>', 'enqueued before this ISO 8601 time (default: what is there when the replay begins)')
    .addOption(
      new Option('--source <source>', 'what the hub retains, or its files of Capture').choices(SOURCES).default('hub'),
    )
    .option('--container <name>', 'where the files of Capture are (default: as the template says)')
    .option(
      '--name-format <format>',
      'how they are named, such as my-ns/{EventHub}/{PartitionId}/{Year}/… (default: as the template says)',
    )
    .option('--figures', 'compute the live figures from these events, and write them in place of the events')
    .option('--as-of <time>', 'the time that the figures are for, of what had come by then (default: --to, or now)')
    .option('--output <file>', 'write there and not to standard output')
    .option(...runningDataDir)
    .addHelpText('after', HELP)
    .action((flags: ReplayFlags) => run(flags, systemClock));
}

async function run(flags: ReplayFlags, clock: Clock): Promise<void> {
  const { bounds, asOfMs } = replayTimes(flags, flags.source === 'capture', clock.now());
  const config = loadConfig({ flags: { dataDir: flags.dataDir } });
  const source = await openSource(config, flags, tell);
  const output =
    flags.output === undefined ? process.stdout : createWriteStream(flags.output, { fd: openOutput(flags.output) });
  try {
    const request = { bounds, config, clock, write: writerTo(output) };
    if (asOfMs === undefined) await writeEvents(source, request);
    else await writeFigures(source, request, asOfMs);
    if (output !== process.stdout) {
      output.end();
      await once(output, 'finish');
    }
  } catch (error) {
    if (!isClosedPipe(error)) throw error;
  } finally {
    await source.close();
  }
  if (source.problem() !== undefined) process.exitCode = 1;
}

const tell = (line: string) => void process.stderr.write(`${line}\n`);

interface Request {
  readonly bounds: ReplayBounds;
  readonly config: Config;
  readonly clock: Clock;
  readonly write: (text: string) => Promise<void>;
}

/** Tells once a second how far the reading of a partition is. */
function createProgress(clock: Clock) {
  let reportMs = clock.now() + PROGRESS_MS;
  return (partitionId: string, read: string) => {
    if (clock.now() < reportMs) return;
    reportMs = clock.now() + PROGRESS_MS;
    tell(`partition ${partitionId}: ${read}`);
  };
}

async function writeEvents({ history }: ReplaySource, { bounds, clock, write }: Request): Promise<void> {
  const progress = createProgress(clock);
  const summary = await replay(history, bounds, write, ({ partitionId, events }) =>
    progress(partitionId, `${events} events`),
  );
  tell(
    `${summary.events} events in ${summary.hubEvents} hub events of ${summary.partitions} partitions` +
      `${summary.unreadable > 0 ? `, ${summary.unreadable} unreadable hub events left out` : ''}`,
  );
}

async function writeFigures(source: ReplaySource, { bounds, config, clock, write }: Request, asOfMs: number) {
  const { recompute } = await import('../aggregators/index.js');
  const { aggregatorOptionsOf } = await import('./aggregator-options.js');
  const progress = createProgress(clock);
  const store = await recompute(
    {
      partitions: source.history.partitions,
      async *read(partitionId) {
        let hubEvents = 0;
        for await (const events of source.history.read(partitionId, bounds)) {
          yield events;
          hubEvents += events.length;
          progress(partitionId, `${hubEvents} hub events`);
        }
      },
    },
    {
      aggregator: aggregatorOptionsOf(config),
      behaviours: config.behaviours,
      seed: [randomInt(SEEDS), randomInt(SEEDS)],
      arrivalsInSeconds: source.inSeconds,
      asOfMs,
    },
  );
  // They would be wrong and not look it.
  const problem = source.problem();
  if (problem !== undefined) throw problem;
  await write(`${JSON.stringify(await readFigures(store, asOfMs))}\n`);
}

/** Resolves when the stream takes more. */
function writerTo(output: Writable): (text: string) => Promise<void> {
  let failure: Error | undefined;
  let wake = () => {};
  output.on('drain', () => wake());
  output.on('error', (error) => {
    failure = error;
    wake();
  });
  return async (text) => {
    if (failure === undefined && !output.write(text)) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    if (failure !== undefined) throw failure;
  };
}
