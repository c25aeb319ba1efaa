import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import {
  claimDataDir,
  endLeftParts,
  ensureLocalKeys,
  hasHadParts,
  type Instance,
  type LogFile,
  type ManagedProcess,
  openLogFile,
  openPartList,
  type PartList,
  type ProcessSpec,
  roleEnvironment,
  roleNodeFlags,
  startInstance,
  startProcess,
} from '../local/index.js';
import { systemClock } from '../shared/clock.js';
import { type Config, loadConfig } from '../shared/config/index.js';
import { type Endpoints, removeEndpoints, writeEndpoints } from '../shared/endpoints.js';
import { createLogger, type Logger } from '../shared/logger.js';
import { ownDataDir, port, positiveInteger } from './options.js';

const KEYS_WERE_MISSING =
  'the file of keys was missing, and new keys were made: clients with the write key of before are refused';

const main = fileURLToPath(new URL('./main.js', import.meta.url));

export function register(command: Command): void {
  command
    .option(...ownDataDir)
    .option('--port <port>', 'port of the gateway; 0 takes any free one (default: 8080)', port)
    .option('--gateway-workers <number>', 'processes of the gateway (default: 1)', positiveInteger)
    .option('--admin-port <port>', 'port of the dashboard and the API; 0 takes any free one (default: 8081)', port)
    .option('--broker-port <port>', 'port of the embedded broker; 0 takes any free one (default: 5672)', port)
    .action(async (options: Record<string, string | number | undefined>) => {
      const config = loadConfig({
        flags: {
          dataDir: options['dataDir'],
          'gateway.port': options['port'],
          'gateway.workers': options['gatewayWorkers'],
          'admin.port': options['adminPort'],
          'broker.port': options['brokerPort'],
        },
      });
      await start({ ...config, dataDir: resolve(config.dataDir) });
    });
}

async function start(config: Config): Promise<void> {
  const release = claimDataDir(config.dataDir, process.pid);
  removeEndpoints(config.dataDir);
  const log = openLogFile(`${config.dataDir}/log`);
  const logger = createLogger('start', config.logLevel, { write: (line) => record(log, line.trimEnd()) });

  // A terminal that is gone, or a pipe that nobody reads, ends nothing.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  const giveUp = new AbortController();
  const shared = { clock: systemClock, logger, givenUp: giveUp.signal };
  const startAll = () =>
    startInstance(
      {
        ...shared,
        random: Math.random,
        searchPath: process.env['PATH'] ?? '',
        start: partStarter(openPartList(config.dataDir), log),
        roleProcess: (role, args, env): ProcessSpec => ({
          name: role,
          command: process.execPath,
          args: [...roleNodeFlags(role), main, role, ...args],
          env: { ...roleEnvironment(role), ...env },
          ready: { by: 'message' },
          stopSignal: 'SIGTERM',
        }),
      },
      config,
      keysOf(config.dataDir, logger),
    );
  const starting = endLeftParts(config.dataDir, shared).then(startAll);

  let stopping = false;
  const stop = async () => {
    if (stopping) return;
    stopping = true;
    removeEndpoints(config.dataDir);
    // A part that never becomes ready must not keep us.
    giveUp.abort();
    const instance = await starting.catch(() => undefined);
    await instance?.stop();
    release();
    logger.info('stopped');
    log.close();
    process.exit(0);
  };
  process.on('SIGTERM', () => void stop());
  process.on('SIGINT', () => void stop());
  // The terminal was closed.
  process.on('SIGHUP', () => void stop());

  let instance: Instance | undefined;
  try {
    instance = await starting;
    if (stopping) return;
    const endpoints = { pid: process.pid, ...instance.endpoints };
    const file = writeEndpoints(config.dataDir, endpoints);
    process.stdout.write(welcome(endpoints, file, log.path));
  } catch (error) {
    if (stopping) return;
    await instance?.stop();
    release();
    throw error;
  }
}

function keysOf(dataDir: string, logger: Logger) {
  const { file, areNew, ...keys } = ensureLocalKeys(dataDir);
  // Not refused: to remove the file is how all keys are made anew.
  if (areNew && hasHadParts(dataDir)) logger.warn({ file }, KEYS_WERE_MISSING);
  return keys;
}

/** Starts parts, keeps account of which there are, and takes what they print into the log. */
function partStarter(parts: PartList, log: LogFile): (spec: ProcessSpec) => ManagedProcess {
  return (spec) => {
    const part = startProcess(spec, process.env, (line) => record(log, asJson(spec.name, line)));
    const { pid } = part;
    if (pid !== undefined) {
      parts.add(pid);
      void part.ended.then(() => parts.remove(pid));
    }
    return part;
  };
}

/** Everything goes to the log; what somebody should look at is also shown. */
function record(log: LogFile, line: string): void {
  log.write(line);
  let entry: { level?: unknown; role?: unknown; part?: unknown; msg?: unknown; how?: unknown };
  try {
    entry = JSON.parse(line) as typeof entry;
  } catch {
    return;
  }
  if (typeof entry.level !== 'number' || entry.level < 40) return;
  const about = [entry.role, entry.part].filter((word) => word !== undefined && word !== 'start').join(' ');
  process.stderr.write(`${about}: ${String(entry.msg)}${entry.how === undefined ? '' : ` (${String(entry.how)})`}\n`);
}

/** Lines of Penstock's roles are JSON already; Redis, Azurite and a crash print plain text. */
function asJson(part: string, line: string): string {
  return line.startsWith('{"level":') ? line : JSON.stringify({ level: 30, role: part, msg: line });
}

function welcome(endpoints: Endpoints, file: string, log: string): string {
  return `Penstock is ready.

  gateway     ${endpoints.gateway}
  dashboard   ${endpoints.admin}${endpoints.caFile === undefined ? '' : `\n  broker      ${endpoints.admin}/broker`}
  write key   ${endpoints.writeKey}
  addresses   ${file}
  log         ${log}

Send a first event:

  curl ${endpoints.gateway}/v1/events -H 'Authorization: Bearer ${endpoints.writeKey}' \\
    -d '{"type":"page_view","anonymousId":"visitor-1","page":{"path":"/hello"}}'

`;
}
