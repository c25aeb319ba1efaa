import { backoffMs } from '../shared/backoff.js';
import { type Clock, delay } from '../shared/clock.js';
import type { Logger } from '../shared/logger.js';
import { LocalError } from './errors.js';
import type { ManagedProcess } from './managed-process.js';
import type { ProcessSpec, ReadyFacts } from './process-spec.js';

/** A process that ran this long had started well: its next restart waits as little as the first. */
const STABLE_AFTER_MS = 30_000;
/** For a part that is not ready, and so has nothing in hand. */
const UNREADY_STOP_MS = 1_000;
const BACKOFF = { firstDelayMs: 200, maxDelayMs: 10_000 };

export interface SupervisorDeps {
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  /** Aborted when a start is given up: what is not ready by then is stopped, and nothing is started any more. */
  readonly givenUp?: AbortSignal;
  start(spec: ProcessSpec): ManagedProcess;
}

export interface Supervised {
  readonly name: string;
  /** The running process's id, if one runs. */
  readonly pid: number | undefined;
  readonly restarts: number;
  stop(deadlineMs: number): Promise<void>;
}

interface Watcher {
  readonly onReady: (facts: ReadyFacts) => void;
  readonly onFailure: (how: string) => void;
  readonly onHopeless: (why: string) => void;
}

/**
 * Keeps one process running: starts it again, with growing waits, whenever it ends. Resolves once it is ready for the
 * first time; from then on it is given up only when it says itself that another start would not help.
 * @throws LocalError PS_LOCAL_START when it is not ready after `startAttempts` tries, or says so before, or the start is
 * given up.
 */
export async function supervise(
  deps: SupervisorDeps,
  spec: ProcessSpec,
  startAttempts = 5,
): Promise<{ process: Supervised; facts: ReadyFacts }> {
  const { clock, random, logger, givenUp } = deps;
  const stopping = new AbortController();
  let current: ManagedProcess | undefined;
  let restarts = 0;
  let quickEnds = 0;

  const waitToRestart = async (startedAtMs: number, how: string) => {
    quickEnds = clock.now() - startedAtMs > STABLE_AFTER_MS ? 0 : quickEnds + 1;
    const waitMs = BACKOFF.firstDelayMs + backoffMs(quickEnds, BACKOFF, random);
    logger.warn({ part: spec.name, how, restartInMs: waitMs }, 'a part ended; it is started again');
    restarts += 1;
    await delay(clock, waitMs, stopping.signal);
  };
  const run = async ({ onReady, onFailure, onHopeless }: Watcher) => {
    while (!stopping.signal.aborted) {
      const startedAtMs = clock.now();
      const started = deps.start(spec);
      current = started;
      started.ready.then(
        (facts) => {
          logger.info({ part: spec.name, partPid: started.pid, tookMs: clock.now() - startedAtMs }, 'part ready');
          onReady(facts);
        },
        () => {},
      );
      const how = await started.ended;
      if (stopping.signal.aborted) return;
      const hopeless = started.hopeless();
      if (hopeless !== undefined) {
        logger.error({ part: spec.name, why: hopeless }, 'a part cannot go on; it is not started again');
        onHopeless(hopeless);
        return;
      }
      onFailure(how);
      await waitToRestart(startedAtMs, how);
    }
  };

  let running: Promise<void> = Promise.resolve();
  const stop = async (deadlineMs: number) => {
    stopping.abort();
    current?.signal(spec.stopSignal);
    const kill = clock.setTimer(() => {
      logger.warn({ part: spec.name, deadlineMs }, 'a part did not stop in time: it is killed');
      current?.signal('SIGKILL');
    }, deadlineMs);
    await running;
    kill();
  };
  const facts = await new Promise<ReadyFacts>((resolve, reject) => {
    let failures = 0;
    let wasReady = false;
    const onReady = (facts: ReadyFacts) => {
      wasReady = true;
      givenUp?.removeEventListener('abort', giveUp);
      resolve(facts);
    };
    const fail = (how: string) => {
      stopping.abort();
      const message = `${spec.name} does not start (${how}); the log says why`;
      reject(new LocalError('PS_LOCAL_START', message, { facts: { part: spec.name } }));
    };
    const giveUp = () => void stop(UNREADY_STOP_MS).then(() => fail('the start was given up'));
    if (givenUp?.aborted) return fail('the start was given up');
    givenUp?.addEventListener('abort', giveUp, { once: true });
    running = run({
      onReady,
      onFailure(how) {
        failures += 1;
        if (!wasReady && failures >= startAttempts) fail(how);
      },
      onHopeless(why) {
        if (!wasReady) fail(why);
      },
    });
  });
  return {
    facts,
    process: {
      name: spec.name,
      get pid() {
        return current?.pid;
      },
      get restarts() {
        return restarts;
      },
      stop,
    },
  };
}
