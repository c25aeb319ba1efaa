import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { spoolFolder } from '../../src/cli/gateway/spools.js';
import { openSpoolStore } from '../../src/gateway/index.js';
import { createTempDir } from '../helpers/parts.js';
import { waitFor } from '../helpers/wait.js';
import { penstock } from './support/penstock.js';
import { type RunningRole, startRole } from './support/role.js';
import { spooledRecords } from './support/spool.js';

const WRITE_KEY = 'a-write-key';
const dir = createTempDir('workers');
let broker: RunningRole;
let env: Record<string, string>;

const startBroker = (port = '0') =>
  startRole(['broker'], { PENSTOCK_DATA_DIR: dir.path, PENSTOCK_BROKER_PORT: port, PENSTOCK_LOG_LEVEL: 'warn' });
const startGateway = (workers: number) => startRole(['gateway', '--port', '0', '--workers', String(workers)], env);

beforeAll(async () => {
  broker = await startBroker();
  const connectionString = broker.facts['connectionString'] ?? '';
  env = {
    PENSTOCK_DATA_DIR: dir.path,
    PENSTOCK_SERVICEBUS_CONNECTION_STRING: connectionString,
    PENSTOCK_EVENTHUBS_CONNECTION_STRING: connectionString,
    PENSTOCK_SOURCES: JSON.stringify([{ name: 'shop', writeKey: WRITE_KEY }]),
  };
});
afterAll(async () => {
  await broker.stop();
  dir.remove();
});

/** Ids of the worker processes of the gateway at this address. */
function workersOf(url: string): number[] {
  const { port } = new URL(url);
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
        return words.includes('--worker') && words.includes(port);
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** Over a connection of its own, so that any worker may get it. */
const get = (url: string) => fetch(url, { headers: { connection: 'close' } });

async function postOnce(url: string, id: string): Promise<{ outcome: string; durability?: string } | undefined> {
  const response = await fetch(`${url}/v1/events`, {
    method: 'POST',
    headers: { authorization: `Bearer ${WRITE_KEY}`, connection: 'close' },
    body: JSON.stringify({ id, type: 'page_view', anonymousId: id }),
  });
  if (response.status !== 200) return undefined;
  return ((await response.json()) as { results: { outcome: string; durability?: string }[] }).results[0];
}

const accepted: string[] = [];
let next = 0;

/** Posts a click, and again with the same id until its answer came and said that it is kept. */
async function post(url: string): Promise<string | undefined> {
  const id = `click-${next++}`;
  const result = await waitFor('an event to be accepted', async () => {
    const result = await postOnce(url, id);
    return (result?.outcome === 'accepted' || result?.outcome === 'duplicate') && result;
  });
  accepted.push(id);
  return result.durability;
}

const postMany = (url: string, count: number) => Promise.all(Array.from({ length: count }, () => post(url)));

async function missing(): Promise<string[]> {
  const { stdout } = await penstock(['replay', '--from', 'earliest'], { env });
  const arrived = new Set(
    stdout
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { id: string }).id),
  );
  return accepted.filter((id) => !arrived.has(id));
}

async function acceptedOf(url: string): Promise<number> {
  const text = await (await get(`${url}/metrics`)).text();
  return Number(/^penstock_gateway_events_total\{outcome="accepted",reason="broker"\} (\d+)/m.exec(text)?.[1]);
}

test('workers are one gateway on one port, and lose nothing accepted when one or all of them are killed', async () => {
  const gateway = await startGateway(2);
  const url = gateway.facts['url'] ?? '';
  const before = workersOf(url);
  expect(before).toHaveLength(2);

  await postMany(url, 40);
  expect(await acceptedOf(url)).toBe(40);

  // One after the other takes no connections, so that it is known who answers.
  const [first, second] = before as [number, number];
  process.kill(second, 'SIGSTOP');
  await postOnce(url, 'seen-by-the-first');
  // While one of them is away the gateway as a whole is not ready.
  expect((await get(`${url}/readyz`)).status).toBe(503);
  process.kill(second, 'SIGCONT');
  await waitFor('both to be ready', async () => (await get(`${url}/readyz`)).status === 200);
  process.kill(first, 'SIGSTOP');
  await waitFor('the second to know what the first has accepted', async () => {
    const where = await get(`${url}/where?id=seen-by-the-first`);
    return ((await where.json()) as { outcomes: { outcome: string }[] }).outcomes[0]?.outcome === 'accepted';
  });
  expect(await postOnce(url, 'seen-by-the-first')).toMatchObject({ outcome: 'duplicate' });
  process.kill(first, 'SIGCONT');

  const load = postMany(url, 100);
  await waitFor('some events', () => accepted.length > 60);
  process.kill(first, 'SIGKILL');
  await load;
  await waitFor('another worker', () => {
    const now = workersOf(url);
    return now.length === 2 && !now.includes(first);
  });
  await waitFor('the gateway to be ready', async () => (await get(`${url}/readyz`)).status === 200);

  await broker.kill();
  expect(new Set(await postMany(url, 60))).toContain('spool');
  const spooled = await spooledRecords(url);
  const last = workersOf(url);
  const more = Promise.allSettled(Array.from({ length: 40 }, () => postOnce(url, `last-${next++}`)));
  await gateway.kill();
  await more;
  await waitFor('the workers to be gone', () => last.every((pid) => !existsSync(`/proc/${pid}`)));
  expect(spooled).toBeGreaterThan(0);
  expect(existsSync(spoolFolder(dir.path, 1))).toBe(true);

  // Fewer than there were: what the others have left is sent all the same.
  const { port } = new URL(`amqp://${/Endpoint=sb:\/\/([^;/]+)/.exec(broker.facts['connectionString'] ?? '')?.[1]}`);
  broker = await startBroker(port);
  const single = await startGateway(1);
  await waitFor('the spool that was left to be emptied', () => !existsSync(spoolFolder(dir.path, 1)));
  await waitFor('the other as well', async () => (await spooledRecords(single.facts['url'] ?? '')) === 0);
  expect(await missing()).toEqual([]);
  expect(await single.stop()).toBe(0);
});

test('a spool that was left and cannot be opened does not keep a gateway from taking events, nor from stopping', async () => {
  const held = await openSpoolStore(spoolFolder(dir.path, 1));
  const gateway = await startGateway(1);
  await post(gateway.facts['url'] ?? '');
  expect(await gateway.stop()).toBe(0);
  await held.close();
});
