import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { Redis } from 'ioredis';
import { LocalError } from './errors.js';
import type { ProcessSpec } from './process-spec.js';

export interface RedisOptions {
  /** Folder of the append-only file and of the generated configuration. */
  readonly dir: string;
  readonly port: number;
  readonly password: string;
  /** The value of PATH. */
  readonly searchPath: string;
}

export function redisUrl(options: Pick<RedisOptions, 'port' | 'password'>): string {
  return `redis://:${encodeURIComponent(options.password)}@127.0.0.1:${options.port}`;
}

/** Where the first of these programs is installed, if one is. */
function findProgram(programs: readonly string[], searchPath: string): string | undefined {
  for (const folder of searchPath.split(delimiter)) {
    for (const program of programs) {
      const path = join(folder, program);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        // Not here: look on.
      }
    }
  }
  return undefined;
}

/**
 * A private Redis: loopback only, with a password, its data in `dir` as an append-only file. The configuration is a
 * file, since a command line is readable by every user of the machine.
 */
export function redisProcess(options: RedisOptions): ProcessSpec {
  // Valkey is its compatible successor.
  const server = findProgram(['redis-server', 'valkey-server'], options.searchPath);
  if (server === undefined) {
    throw new LocalError(
      'PS_LOCAL_MISSING',
      'redis-server is not installed: install it (Debian: apt-get install redis-server) or set PENSTOCK_REDIS_URL',
    );
  }
  mkdirSync(options.dir, { recursive: true, mode: 0o700 });
  const dir = resolve(options.dir);
  const lines = [
    'bind 127.0.0.1',
    `port ${options.port}`,
    `requirepass ${options.password}`,
    `dir "${dir}"`,
    'daemonize no',
    'appendonly yes',
    'appendfsync everysec',
    'save ""',
    'loglevel notice',
  ];
  writeFileSync(join(dir, 'redis.conf'), `${lines.join('\n')}\n`, { mode: 0o600 });
  const [command = server, ...args] = [...endingWithParent(options.searchPath), server, join(dir, 'redis.conf')];
  return {
    name: 'redis',
    command,
    args,
    env: {},
    ready: { by: 'line', text: 'Ready to accept connections' },
    hopelessAt: (line) => damageToldIn(line, join(dir, 'appendonlydir')),
    stopSignal: 'SIGTERM',
  };
}

/** What Redis says of files that it cannot load: of the append-only file, of its base and of its list of files. */
const DAMAGE =
  /reading the append only file|error in RDB|RDB has duplicated key|Unable to obtain the AOF file|AOF MANIFEST FILE ERROR/;

/** An end that was cut off it passes over; for anything else it ends, and so would every further start. */
function damageToldIn(line: string, files: string): string | undefined {
  if (!DAMAGE.test(line)) return undefined;
  const advice = `bring ${files} back from a copy, or move it away to go on with the figures that the saved state has`;
  return `what Redis has in ${files} is damaged: ${advice}; older panes are in Redis alone`;
}

/**
 * What starts a program that is to end when its supervisor is gone, however that ended, though it listens to no channel: on
 * Linux the system signals it (man 2 prctl, PR_SET_PDEATHSIG). Nothing where util-linux is not installed.
 */
function endingWithParent(searchPath: string): readonly string[] {
  const setpriv = process.platform === 'linux' ? findProgram(['setpriv'], searchPath) : undefined;
  if (setpriv === undefined) return [];
  const start = [setpriv, '--pdeathsig', 'TERM'] as const;
  // That of BusyBox has no such option.
  return spawnSync(start[0], [...start.slice(1), 'true'], { stdio: 'ignore' }).status === 0 ? start : [];
}

/**
 * Ends the Redis that an instance killed with SIGKILL left behind: it does not notice everywhere that its
 * supervisor is gone, and two of them must not write one append-only file.
 */
export async function stopLeftoverRedis(dir: string): Promise<void> {
  const file = join(dir, 'redis.conf');
  if (!existsSync(file)) return;
  const settings = new Map(
    readFileSync(file, 'utf8')
      .split('\n')
      .map((line) => line.split(' ') as [string, string]),
  );
  const client = new Redis({
    host: '127.0.0.1',
    port: Number(settings.get('port')),
    password: settings.get('requirepass') ?? '',
    lazyConnect: true,
    retryStrategy: () => null,
    connectTimeout: 1000,
  });
  client.on('error', () => {});
  try {
    await client.connect();
    const [, runningDir] = (await client.config('GET', 'dir')) as [string, string];
    // The port may belong to another Redis by now.
    if (resolve(runningDir) === resolve(dir)) await client.shutdown('NOSAVE');
  } catch {
    // Nothing answers there, or it went away as it was told.
  } finally {
    client.disconnect();
  }
}
