import { delay, systemClock } from '../../../src/shared/clock.js';
import { messageOf } from '../../../src/shared/errors.js';
import { createRandom } from '../../crash/support/random.js';
import { attachReceiver, begin, flow, keyOf, openFrames } from '../../helpers/frame-client.js';
import { DRAWN } from './hostile/index.js';

/** What the process is told: as JSON, its one argument. */
export interface HostileOrder {
  /** `peer` reads for ever, and is to be stopped by a signal. */
  readonly role: 'crowd' | 'peer';
  readonly port: number;
  readonly connectionString: string;
  readonly connections: number;
  readonly seconds: number;
  /** So many things are done at the least, on a machine that takes longer for them. */
  readonly atLeast: number;
  readonly seed: number;
}

/** What it says at the end. */
export interface HostileReport {
  /** How often each thing was done, and how the broker took it. */
  readonly done: Readonly<Record<string, number>>;
  readonly failures: readonly string[];
}

const MAX_FAILURES = 50;
/** Connections are opened one after the other over this time, at the start. */
const RAMP_MS = 2000;
/** How long those that are not through yet may take at the end. */
const LAST_MS = 3000;
const LONGEST_OVERTIME_MS = 90_000;
const LOOK_MS = 100;

async function crowd(order: HostileOrder): Promise<HostileReport> {
  const done: Record<string, number> = {};
  const failures: string[] = [];
  const endMs = systemClock.now() + order.seconds * 1000;
  let count = 0;
  const isOver = () => {
    const overtimeMs = systemClock.now() - endMs;
    return overtimeMs >= 0 && (count >= order.atLeast || overtimeMs > LONGEST_OVERTIME_MS);
  };

  async function slot(index: number): Promise<void> {
    const random = createRandom(order.seed * 10_007 + index);
    await delay(systemClock, (RAMP_MS * index) / order.connections);
    while (!isOver()) {
      const [name, hostile] = random.pick(DRAWN) as (typeof DRAWN)[number];
      try {
        const label = `${name}: ${await hostile({ ...order, random })}`;
        done[label] = (done[label] ?? 0) + 1;
        count++;
      } catch (error) {
        if (failures.length < MAX_FAILURES) failures.push(`${name}: ${messageOf(error)}`);
      }
    }
  }

  const slots = Promise.all(Array.from({ length: order.connections }, (_, index) => slot(index)));
  while (!isOver()) await delay(systemClock, LOOK_MS);
  await Promise.race([slots, delay(systemClock, LAST_MS)]);
  return { done, failures };
}

/** Reads a hub as fast as it comes, until it is stopped. */
async function peer({ port, connectionString }: HostileOrder): Promise<void> {
  const client = await openFrames(port, keyOf(connectionString));
  client.send(begin(), 1);
  client.send(attachReceiver(0, 'archive/ConsumerGroups/$Default/Partitions/0'), 1);
  client.send(flow({ handle: 0, delivery_count: 0, link_credit: 1_000_000, incoming_window: 1_000_000 }), 1);
  await client.await('transfer');
  process.send?.('reading');
  await client.gone;
}

const order = JSON.parse(process.argv[2] ?? '{}') as HostileOrder;
if (order.role === 'peer') await peer(order);
else process.send?.(await crowd(order), () => process.exit(0));
