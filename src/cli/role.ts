import { type Clock, systemClock } from '../shared/clock.js';
import { type Config, loadConfig } from '../shared/config/index.js';
import { messageOf, PenstockError } from '../shared/errors.js';
import { createLogger, type Logger } from '../shared/logger.js';
import { STANDALONE_ROLE_STOP_MS, SUPERVISED_ROLE_STOP_MS } from '../shared/stop-deadlines.js';

export interface RoleContext {
  readonly config: Config;
  readonly logger: Logger;
  readonly clock: Clock;
}

export interface RunningRole {
  /** What a supervisor needs to know once the role is ready: addresses, connection strings. */
  readonly ready?: Readonly<Record<string, unknown>>;
  /** Stops taking work, finishes what is in hand, and closes. Idempotent. */
  stop(options: { deadlineMs: number }): Promise<void>;
}

/** What a role process tells its supervisor over the IPC channel. */
export interface ReadyMessage {
  readonly type: 'ready';
  readonly facts: Readonly<Record<string, unknown>>;
}

/** And what it says before it ends where no other start would help until somebody has mended something. */
export interface HopelessMessage {
  readonly type: 'hopeless';
  readonly why: string;
}

const HOPELESS: ReadonlySet<string> = new Set([
  'PS_BROKER_STORE_CORRUPT',
  'PS_BROKER_STORE_FORMAT',
  'PS_SECURITY_KEYS_FILE',
]);

/** Resolves when the supervisor was told, or there is none. */
function giveUp(why: string): Promise<void> {
  const message: HopelessMessage = { type: 'hopeless', why };
  return new Promise((resolve) => {
    if (process.send === undefined) resolve();
    else process.send(message, undefined, {}, () => resolve());
  });
}

/**
 * Runs one role as this process: reads the configuration, starts, says that it is ready, and stops on SIGTERM, SIGINT
 * or when its supervisor is gone. The exit code is 0 after a clean stop and 1 when it could not start or stop.
 */
export async function runRole(
  name: string,
  flags: Readonly<Record<string, unknown>>,
  start: (context: RoleContext) => Promise<RunningRole>,
): Promise<void> {
  const config = loadConfig({ flags });
  const logger = createLogger(name, config.logLevel);
  let running: RunningRole | undefined;
  let stopping = false;
  const stop = async (reason: string) => {
    if (stopping) return;
    stopping = true;
    const deadlineMs = process.send === undefined ? STANDALONE_ROLE_STOP_MS : SUPERVISED_ROLE_STOP_MS;
    logger.info({ reason }, 'stopping');
    systemClock.setTimer(() => {
      logger.error('did not stop in time: ended');
      process.exit(1);
    }, deadlineMs + 500);
    try {
      await running?.stop({ deadlineMs });
      process.exit(0);
    } catch (error) {
      logger.error({ err: error }, 'did not stop cleanly');
      process.exit(1);
    }
  };
  process.on('SIGTERM', () => void stop('SIGTERM'));
  process.on('SIGINT', () => void stop('SIGINT'));
  process.on('disconnect', () => void stop('supervisor gone'));
  // It may have gone while this process was loading, when nobody listened.
  if (process.connected === false) return stop('supervisor gone');
  try {
    running = await start({ config, logger, clock: systemClock });
  } catch (error) {
    // Bad configuration is the user's to mend: one line says more than a stack trace.
    if (error instanceof PenstockError) logger.fatal({ code: error.code, ...error.facts }, messageOf(error));
    else logger.fatal({ err: error }, 'could not start');
    if (error instanceof PenstockError && HOPELESS.has(error.code)) await giveUp(messageOf(error));
    process.exit(1);
  }
  const facts = running.ready ?? {};
  process.send?.({ type: 'ready', facts } satisfies ReadyMessage);
  logger.info('ready');
}
