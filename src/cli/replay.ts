import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import type { Writable } from 'node:stream';
import type { Command } from 'commander';
import { createHubReader, type ServiceAccess } from '../messaging/index.js';
import { QueryError, replay } from '../query/index.js';
import { type Clock, systemClock } from '../shared/clock.js';
import { type Config, loadConfig } from '../shared/config/index.js';
import { readEndpoints } from '../shared/endpoints.js';
import { runningDataDir } from './options.js';
import { openOutput } from './output-file.js';
import { hubAccess } from './services.js';

const CONSUMER_GROUP = 'replay';
const PROGRESS_MS = 1_000;

interface ReplayFlags {
  readonly from: string;
  readonly to?: string;
  readonly output?: string;
  readonly dataDir?: string;
}

export function register(command: Command): void {
  command
    .requiredOption('--from <time>', 'enqueued at or after this ISO 8601 time, or "earliest"')
    .option('--to <time>', 'enqueued before this ISO 8601 time (default: what is there when the replay begins)')
    .option('--output <file>', 'write there and not to standard output')
    .option(...runningDataDir)
    .action((flags: ReplayFlags) => run(flags, systemClock));
}

async function run(flags: ReplayFlags, clock: Clock): Promise<void> {
  const bounds = {
    fromMs: flags.from === 'earliest' ? 0 : timeOf('--from', flags.from),
    toMs: flags.to === undefined ? Number.POSITIVE_INFINITY : timeOf('--to', flags.to),
  };
  if (bounds.toMs <= bounds.fromMs) throw new QueryError('PS_REPLAY_INVALID', '--to must be after --from');
  const config = loadConfig({ flags: { dataDir: flags.dataDir } });
  const reader = await createHubReader(accessOf(config, flags), {
    hub: config.eventHubs.hub,
    consumerGroup: CONSUMER_GROUP,
  });
  const output =
    flags.output === undefined ? process.stdout : createWriteStream(flags.output, { fd: openOutput(flags.output) });
  const write = writerTo(output);
  let reportMs = clock.now() + PROGRESS_MS;
  try {
    const summary = await replay(reader, bounds, write, ({ partitionId, events }) => {
      if (clock.now() < reportMs) return;
      reportMs = clock.now() + PROGRESS_MS;
      process.stderr.write(`partition ${partitionId}: ${events} events\n`);
    });
    if (output !== process.stdout) {
      output.end();
      await once(output, 'finish');
    }
    process.stderr.write(
      `${summary.events} events in ${summary.hubEvents} hub events of ${summary.partitions} partitions` +
        `${summary.unreadable > 0 ? `, ${summary.unreadable} unreadable hub events left out` : ''}\n`,
    );
  } catch (error) {
    if (!isClosedPipe(error)) throw error;
  } finally {
    await reader.close();
  }
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

/** Who read the output, such as `head`, has enough. */
const isClosedPipe = (error: unknown) => (error as { code?: unknown } | null)?.code === 'EPIPE';

/** The instance of the data folder that was named, else what the environment names, else that of the default folder. */
function accessOf(config: Config, flags: ReplayFlags): ServiceAccess {
  const configured = config.eventHubs.connectionString ?? config.eventHubs.namespace;
  if (flags.dataDir === undefined && configured !== undefined) return hubAccess(config);
  return { connectionString: readEndpoints(config.dataDir).eventHubsConnectionString };
}

function timeOf(flag: string, text: string): number {
  const iso = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d))?$/.test(text);
  const ms = iso ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) throw new QueryError('PS_REPLAY_INVALID', `${flag} ${text} is no ISO 8601 time`);
  return ms;
}
