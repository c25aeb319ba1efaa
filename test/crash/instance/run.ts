import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { findFreePort } from '../../../src/local/index.js';
import { type Endpoints, readEndpoints } from '../../../src/shared/endpoints.js';
import { waitFor } from '../../helpers/wait.js';
import { startClients, WRITE_KEY } from '../gateway/clients.js';
import { readOrders, readViews } from '../gateway/inspect.js';
import { createGatewayLedger, type Found } from '../gateway/ledger.js';
import { childrenOf } from '../support/children.js';
import { type CommandProcess, startCommand } from '../support/process.js';
import { createRandom, type Random } from '../support/random.js';
import { wait } from '../support/wait.js';

export interface InstanceOptions {
  readonly dataDir: string;
  readonly times: number;
  readonly seed: number;
  /** Told of each kill. */
  readonly progress?: (text: string) => void;
}

export interface InstanceResult {
  readonly kills: number;
  readonly killsByMoment: Readonly<Record<string, number>>;
  readonly orders: number;
  readonly views: number;
  readonly violations: readonly string[];
}

/** Nothing takes from it, and every order is in it. */
const SUBSCRIPTION = 'analytics-forwarder';
const LONGEST_START_MS = 3_000;
const LONGEST_LIFE_MS = 2_000;
const LONGEST_STOP_MS = 800;
/** Not a measure of speed: only so that a broken promise ends the run. */
const GIVE_UP_MS = 90_000;

/** Of the gateway, the dashboard and the broker. */
type Ports = readonly [number, number, number];

/** An instance that is killed again and again, and started at the same ports the moment after it. */
interface Victim {
  start(): void;
  /** Resolves when it is ready. */
  ready(): Promise<Endpoints>;
  /** SIGKILL of the process that starts everything, or of every process of it. */
  kill(all?: boolean): Promise<void>;
  stop(): Promise<number | NodeJS.Signals>;
  signal(signal: NodeJS.Signals): void;
}

const moments: Readonly<Record<string, (victim: Victim, random: Random) => Promise<void>>> = {
  async 'while it starts'(victim, random) {
    await wait(random.below(LONGEST_START_MS));
    await victim.kill();
  },
  async 'while it runs'(victim, random) {
    await victim.ready();
    await wait(random.below(LONGEST_LIFE_MS));
    await victim.kill();
  },
  async 'while it stops'(victim, random) {
    await victim.ready();
    victim.signal('SIGTERM');
    await wait(random.below(LONGEST_STOP_MS));
    await victim.kill();
  },
  async 'with all of its parts'(victim, random) {
    await victim.ready();
    await wait(random.below(LONGEST_LIFE_MS));
    await victim.kill(true);
  },
};

/**
 * Kills a whole instance at random moments, of its start and its stop too, while clients send to it, and starts it again at
 * once. Each start has to come up, and in the end what was accepted is in the brokers.
 */
export async function runInstanceCrashes({ dataDir, times, seed, progress }: InstanceOptions): Promise<InstanceResult> {
  const random = createRandom(seed);
  const ledger = createGatewayLedger();
  const ports: Ports = [await findFreePort(), await findFreePort(), await findFreePort()];
  const victim = createVictim(join(dataDir, 'data'), ports, (text) => appendFileSync(join(dataDir, 'log.txt'), text));
  const killsByMoment: Record<string, number> = {};
  victim.start();
  const clients = startClients({
    url: `http://127.0.0.1:${ports[0]}`,
    ledger,
    randomOf: (client) => createRandom(seed * 100 + client),
  });
  try {
    for (let kill = 1; kill <= times; kill++) {
      const moment = random.pick(Object.keys(moments)) as string;
      await (moments[moment] as (typeof moments)[string])(victim, random);
      killsByMoment[moment] = (killsByMoment[moment] ?? 0) + 1;
      progress?.(`kill ${kill}: ${moment}`);
      victim.start();
    }
    const { gateway, serviceBusConnectionString: access } = await victim.ready();
    const { progress: answers } = clients;
    const since = performance.now();
    await waitFor('orders and views in their brokers', () =>
      (['order', 'view'] as const).every((kind) => answers.inBroker(kind, since) > 0),
    );
    if (!(await clients.finish(GIVE_UP_MS))) ledger.broken('a client gets no answer though everything is well');
    await waitFor('the spool to be empty', () => isDrained(gateway), GIVE_UP_MS);
    const orders = await readOrders(access, SUBSCRIPTION);
    ledger.close([
      ...(await readViews(access)).map(withoutOrders),
      { place: 'the topic', kind: 'order', events: orders },
    ]);
    const code = await victim.stop();
    if (code !== 0) ledger.broken(`the instance ended with ${code} after it was asked to stop`);
  } catch (error) {
    ledger.broken(String(error));
  } finally {
    await victim.kill(true);
  }
  const { orders, views } = ledger.figures();
  return { kills: times, killsByMoment, orders, views, violations: ledger.violations() };
}

/** For the figures each order is copied from the topic to the hub. */
const withoutOrders = ({ events, ...found }: Found): Found => ({
  ...found,
  events: events.filter(({ id }) => !id.startsWith('order-')),
});

async function isDrained(gateway: string): Promise<boolean> {
  const response = await fetch(`${gateway}/readyz`);
  const { sinks } = (await response.json()) as { sinks: Record<string, { spool: { records: number } }> };
  return response.ok && Object.values(sinks).every(({ spool }) => spool.records === 0);
}

function createVictim(dataDir: string, [gateway, admin, broker]: Ports, log: (text: string) => void): Victim {
  let current: CommandProcess | undefined;
  const running = () => current as CommandProcess;
  return {
    start() {
      const env = { PENSTOCK_SOURCES: JSON.stringify([{ name: 'crash', writeKey: WRITE_KEY }]) };
      const ports = ['--port', String(gateway), '--admin-port', String(admin), '--broker-port', String(broker)];
      current = startCommand(['start', '--data-dir', dataDir, ...ports], { env, log });
    },
    async ready() {
      const { pid, ended } = running();
      let how: number | NodeJS.Signals | undefined;
      void ended.then((code) => {
        how = code;
      });
      const isReady = () => {
        if (how !== undefined) return how;
        const endpoints = readEndpoints(dataDir);
        return endpoints.pid === pid && endpoints;
      };
      const found = await waitFor('the instance to be ready', isReady, GIVE_UP_MS);
      if (typeof found !== 'object') throw new Error(`the instance did not start: ${found}`);
      return found;
    },
    async kill(all = false) {
      const { pid, kill } = running();
      const parts = all ? childrenOf(pid) : [];
      await kill();
      for (const part of parts) endNow(part);
    },
    stop() {
      running().signal('SIGTERM');
      return running().ended;
    },
    signal: (signal) => running().signal(signal),
  };
}

function endNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
