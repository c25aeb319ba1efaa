import cluster from 'node:cluster';
import {
  findFreePort,
  type ManagedProcess,
  type ProcessSpec,
  type ReadyFacts,
  type Supervised,
  supervise,
} from '../../local/index.js';
import type { HopelessMessage, ReadyMessage, RoleContext, RunningRole } from '../role.js';
import type { FromWorker, ToWorker } from './messages.js';
import { createRelay, type Relay, type RelayedWorker } from './relay.js';
import { shareOf } from './share.js';
import { formerWorkers } from './spools.js';

/** Left for this process of the time to stop. */
const OWN_STOP_MS = 500;
/** For a worker that has emptied a spool, and has nothing in hand. */
const DRAINED_STOP_MS = 2_000;

/**
 * Runs the gateway as several processes on one port, each with a spool of its own. One that ends is started again, with the
 * spool that it had. A spool that was left by a worker that there is no more is emptied by a process that takes no events.
 */
export async function startWorkers({ config, logger, clock }: RoleContext): Promise<RunningRole> {
  const { workers, host } = config.gateway;
  // Before there are workers, each of which would say the same.
  shareOf(config.gateway, workers);
  // Chosen here, so that it stays the same when all of them are started again.
  const port = config.gateway.port === 0 ? await findFreePort(host) : config.gateway.port;
  // Workers accept for themselves. Where this process accepts for them, as Node would have it, a connection that is on its
  // way to a worker when that is killed stays open for ever, and nobody has it.
  cluster.schedulingPolicy = cluster.SCHED_NONE;
  const relay = createRelay(clock, workers);
  const run = (worker: number, onDrained: () => void = () => {}) =>
    supervise(
      {
        ...{ clock, random: Math.random, logger },
        start: (spec) => forkWorker(spec, { relay, number: worker, onDrained }),
      },
      {
        name: `gateway worker ${worker}`,
        command: process.execPath,
        args: [...process.argv.slice(2), '--port', String(port), '--worker', String(worker)],
        env: {},
        ready: { by: 'message' },
        stopSignal: 'SIGTERM',
      },
    );
  // Those that have begun. One that cannot open its spool is tried for a while, and nobody waits for that to stop.
  const drains: Supervised[] = [];
  for (const worker of formerWorkers(config.dataDir, workers)) {
    const draining = run(worker, () => void draining.then(({ process }) => process.stop(DRAINED_STOP_MS)));
    draining.then(
      ({ process }) => drains.push(process),
      (error: unknown) => logger.error({ err: error, worker }, 'a spool that was left cannot be emptied'),
    );
  }
  const started = await Promise.all(Array.from({ length: workers }, (_, worker) => run(worker)));
  process.on('SIGHUP', () => {
    for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill('SIGHUP');
  });
  return {
    ready: started[0]?.facts ?? {},
    async stop({ deadlineMs }) {
      const all = [...started.map(({ process }) => process), ...drains];
      await Promise.all(all.map((process) => process.stop(deadlineMs - OWN_STOP_MS)));
    },
  };
}

interface WorkerPlace {
  readonly relay: Relay;
  readonly number: number;
  readonly onDrained: () => void;
}

function forkWorker(spec: ProcessSpec, { relay, number, onDrained }: WorkerPlace): ManagedProcess {
  cluster.setupPrimary({ exec: process.argv[1] as string, args: [...spec.args] });
  const worker = cluster.fork();
  const relayed: RelayedWorker = {
    number,
    send: (message: ToWorker) => {
      // One that is ending may have closed its side already.
      if (worker.isConnected()) worker.send(message, () => {});
    },
  };
  const ended = new Promise<string>((resolve) => {
    worker.once('exit', (code: number, signal: string | null) => {
      relay.leave(relayed);
      resolve(signal ? `signal ${signal}` : `exit code ${code}`);
    });
  });
  let hopeless: string | undefined;
  const ready = new Promise<ReadyFacts>((resolve, reject) => {
    worker.on('message', (message: FromWorker | ReadyMessage | HopelessMessage) => {
      if (message.type === 'ready') {
        relay.join(relayed);
        resolve(message.facts);
      } else if (message.type === 'hopeless') hopeless = message.why;
      else if (message.type === 'drained') onDrained();
      else relay.receive(relayed, message);
    });
    void ended.then((how) => reject(new Error(`${spec.name} ended before it was ready: ${how}`)));
  });
  // A caller may look at `ended` only.
  ready.catch(() => {});
  return {
    pid: worker.process.pid,
    ready,
    ended,
    hopeless: () => hopeless,
    signal: (signal) => void worker.process.kill(signal),
  };
}
