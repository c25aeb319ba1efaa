import { afterAll, beforeAll, expect, test } from 'vitest';
import { waitFor } from '../helpers/wait.js';
import { takeOrders } from './support/orders.js';
import { penstock, type RunningInstance, startInstance } from './support/penstock.js';
import { spooledRecords } from './support/spool.js';

interface Result {
  readonly id: string;
  readonly outcome: string;
  readonly durability?: string;
}

let instance: RunningInstance;
beforeAll(async () => {
  instance = await startInstance();
});
afterAll(async () => {
  await instance.stop();
  instance.remove();
});

let next = 0;

/** Ten clicks and an order in one request; their results. */
async function post(): Promise<readonly Result[]> {
  const request = next++;
  const clicks = Array.from({ length: 10 }, (_, index) => ({
    id: `click-${request}-${index}`,
    type: 'page_view',
    anonymousId: `visitor-${index}`,
    page: { path: `/p/${request}` },
  }));
  const order = {
    id: `order-${request}`,
    type: 'purchase',
    anonymousId: 'visitor-1',
    properties: { transaction_id: `T${request}`, value: 1, currency: 'EUR' },
  };
  const response = await fetch(`${instance.endpoints.gateway}/v1/events`, {
    method: 'POST',
    headers: { authorization: `Bearer ${instance.endpoints.writeKey}`, 'content-type': 'application/json' },
    body: JSON.stringify([...clicks, order]),
  });
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
  return ((await response.json()) as { results: Result[] }).results;
}

test('what is accepted while the broker hangs survives kill -9 of the gateway, and arrives, orders once', async () => {
  const accepted: Result[] = [...(await post())];
  expect(new Set(accepted.map(({ durability }) => durability))).toEqual(new Set(['broker']));

  process.kill(instance.pidOf('broker'), 'SIGSTOP');
  for (const results of await Promise.all(Array.from({ length: 20 }, post))) accepted.push(...results);
  for (let count = 0; count < 5; count++) accepted.push(...(await post()));
  expect(new Set(accepted.map(({ outcome }) => outcome))).toEqual(new Set(['accepted']));
  expect(new Set(accepted.slice(11).map(({ durability }) => durability))).toEqual(new Set(['spool']));
  expect(await spooledRecords(instance.endpoints.gateway)).toBeGreaterThan(0);

  process.kill(instance.pidOf('gateway'), 'SIGKILL');
  await waitFor('the gateway to be there again', () => instance.readyCount('gateway') === 2);
  const later = await waitFor('the gateway to take events', post);
  expect(new Set(later.map(({ outcome, durability }) => `${outcome} ${durability}`))).toEqual(
    new Set(['accepted spool']),
  );
  accepted.push(...later);

  process.kill(instance.pidOf('broker'), 'SIGCONT');
  await waitFor('the spool to be empty', async () => (await spooledRecords(instance.endpoints.gateway)) === 0);
  const replay = await penstock(['replay', '--from', 'earliest', '--data-dir', instance.dataDir]);
  const arrived = new Set(
    replay.stdout
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { id: string }).id),
  );
  const clicks = accepted.map(({ id }) => id).filter((id) => id.startsWith('click-'));
  expect(clicks.filter((id) => !arrived.has(id))).toEqual([]);

  const orders = accepted.filter(({ id }) => id.startsWith('order-')).length;
  const taken = await takeOrders(instance.endpoints.serviceBusConnectionString);
  expect(taken).toHaveLength(orders);
  expect(new Set(taken).size).toBe(orders);
  const direct = await waitFor('events to go to the broker again', async () =>
    (await post()).every(({ durability }) => durability === 'broker'),
  );
  expect(direct).toBe(true);
});
