import { childrenOf } from '../support/children.js';
import type { Random } from '../support/random.js';
import type { BrokerSide, Part } from './system.js';

/** Resolves when it has begun, with what makes everything well again. */
type Disturbance<Subject> = (subject: Subject, random: Random) => Promise<() => Promise<void>>;

const LATENCY_MS = 150;

/** What can happen to a broker, or to the network before it. */
export const brokerDisturbances: Readonly<Record<string, Disturbance<BrokerSide>>> = {
  async killed({ part }) {
    await part.kill();
    return part.start;
  },
  async updated({ part }) {
    await part.stop();
    return part.start;
  },
  async frozen({ part }) {
    part.freeze();
    return async () => part.thaw();
  },
  async cut({ proxy }) {
    proxy.cut();
    return proxy.mend;
  },
  async 'disconnected once'({ proxy }) {
    proxy.breakAll();
    return async () => {};
  },
  async slow({ proxy }, random) {
    proxy.slow(1 + random.below(LATENCY_MS));
    return async () => proxy.slow(0);
  },
  'half-open': half('up', 'down'),
  'deaf to the broker': half('down'),
  'mute to the broker': half('up'),
};

/** Nothing goes in these directions. Afterwards it comes late, or never, with the connections that it was for. */
function half(...directions: ('up' | 'down')[]): Disturbance<BrokerSide> {
  return async ({ proxy }, random) => {
    const lost = random.chance(0.5);
    proxy.hold(...directions);
    return async () => {
      if (lost) proxy.breakAll();
      proxy.release();
    };
  };
}

/** Those after which the broker does nothing more for the gateway until it is made well. */
export const OUTAGES = ['killed', 'frozen', 'cut', 'half-open', 'deaf to the broker', 'mute to the broker'] as const;

/** What is promised for everything together, with some room for a machine that is busy. */
const LONGEST_STOP_MS = 12_000;

/** What can happen to one of its workers. Whoever started it starts it again. */
const workerDisturbances: Readonly<Record<string, Disturbance<Part>>> = {
  async 'worker killed'(part, random) {
    signalWorker(part, random, 'SIGKILL');
    return async () => {};
  },
  async 'worker frozen'(part, random) {
    const worker = signalWorker(part, random, 'SIGSTOP');
    return async () => signal(worker, 'SIGCONT');
  },
};

function signalWorker(part: Part, random: Random, name: NodeJS.Signals): number | undefined {
  const worker = random.pick(childrenOf(part.pid()));
  signal(worker, name);
  return worker;
}

function signal(pid: number | undefined, name: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(pid, name);
  } catch {
    // It has ended by itself.
  }
}

/** What can happen to the gateway. `broken` is told when it does not end as it should. */
export function gatewayDisturbances(
  broken: (text: string) => void,
  workers: number,
): Readonly<Record<string, Disturbance<Part>>> {
  return {
    ...(workers > 1 ? workerDisturbances : {}),
    async killed(part) {
      await part.kill();
      return part.start;
    },
    async stopped(part) {
      const sinceMs = performance.now();
      const code = await part.stop();
      const tookMs = performance.now() - sinceMs;
      if (code !== 0 || tookMs > LONGEST_STOP_MS)
        broken(`the gateway ended with ${code} ${Math.round(tookMs)} ms after it was asked to stop`);
      return part.start;
    },
    async frozen(part) {
      part.freeze();
      return async () => part.thaw();
    },
  };
}
