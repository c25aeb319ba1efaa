import { readFileSync } from 'node:fs';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchChromium } from '../helpers/chromium.js';
import { describedBy } from './support/openapi.js';
import { type RunningInstance, startInstance } from './support/penstock.js';

let instance: RunningInstance;
let browser: Browser;
beforeAll(async () => {
  [instance, browser] = await Promise.all([startInstance(), launchChromium()]);
});
afterAll(async () => {
  await browser.close();
  await instance.stop();
  instance.remove();
});

test('an event posted to the gateway changes the figure on the page', async () => {
  const page = await browser.newPage();
  await page.goto(instance.endpoints.admin);
  const total = page.locator('[data-figure="visitors-total"]');
  await expect.poll(() => total.textContent(), { timeout: 120_000 }).toBe('0');

  const response = await fetch(`${instance.endpoints.gateway}/v1/events`, {
    method: 'POST',
    headers: { authorization: `Bearer ${instance.endpoints.writeKey}` },
    body: JSON.stringify({ type: 'page_view', anonymousId: 'somebody', page: { path: '/seen-on-the-page' } }),
  });
  expect(response.status).toBe(200);
  await expect.poll(() => total.textContent(), { timeout: 120_000 }).toBe('1');
  await expect.poll(() => page.locator('body').textContent(), { timeout: 120_000 }).toContain('/seen-on-the-page');

  // Who it was: read back from the hub.
  await page.locator('#latest td button').first().click();
  await expect
    .poll(() => page.locator('#visitor-events tbody').textContent(), { timeout: 120_000 })
    .toContain('/seen-on-the-page');
  await page.keyboard.press('Escape');

  // How the system itself is: all that was sent is read, and every part answers.
  await expect.poll(() => page.locator('[data-total="counted"]').textContent(), { timeout: 120_000 }).toBe('1');
  await expect.poll(() => page.locator('#partitions tbody tr').count(), { timeout: 120_000 }).toBe(1);
  await expect.poll(() => page.locator('#partitions tbody tr td').nth(1).textContent(), { timeout: 120_000 }).toBe('0');
  const parts = await page.locator('.part').allTextContents();
  expect(parts.filter((part) => part.includes('does not answer'))).toEqual([]);
  expect(parts.join()).toMatch(/Gateway to hub:clicks.*Broker.*Dead letters.*none/);
  await page.close();
});

test('a session that looks at an item and buys it is in the funnel, and its purchase in the revenue, once', async () => {
  const post = async (events: object) => {
    const response = await fetch(`${instance.endpoints.gateway}/v1/events`, {
      method: 'POST',
      headers: { authorization: `Bearer ${instance.endpoints.writeKey}` },
      body: JSON.stringify(events),
    });
    expect(response.status).toBe(200);
  };
  const properties = { transaction_id: 'T1', value: 19.99, currency: 'eur' };
  const buyer = (type: string, fields: object = {}) => ({ type, anonymousId: 'buyer', ...fields });
  await post([buyer('view_item'), buyer('add_to_cart'), buyer('purchase', { properties })]);
  // The thank-you page is loaded again.
  await post([buyer('purchase', { properties }), { type: 'view_item', anonymousId: 'looker' }]);
  const sumsOf = async () => {
    const response = await fetch(`${instance.endpoints.admin}/api/live`);
    const { metrics } = (await response.json()) as {
      metrics: Record<
        string,
        { series: { values: Record<string, number> }[]; values: { key: string; value: number }[] }
      >;
    };
    // The minute may end meanwhile.
    const euros = metrics['revenue']?.series.reduce((sum, { values }) => sum + (values['EUR'] ?? 0), 0);
    const steps = Object.fromEntries((metrics['funnel']?.values ?? []).map(({ key, value }) => [key, value]));
    return { euros, steps };
  };
  await expect.poll(sumsOf, { timeout: 120_000 }).toEqual({ euros: 19.99, steps: { view: 2, cart: 1, purchase: 1 } });
  const gauges = await (await fetch(`${instance.endpoints.admin}/metrics`)).text();
  expect(gauges).toContain('penstock_live_funnel{key="cart"} 1');
});

test('each port describes itself, and answers as it says', async () => {
  const { admin, gateway, writeKey } = instance.endpoints;
  const headers = { authorization: `Bearer ${writeKey}` };
  const event = JSON.stringify({ type: 'view_item', id: 'described', anonymousId: 'looker', item_category: 'shoes' });
  const post = (init: RequestInit = { headers, body: event }) =>
    fetch(`${gateway}/v1/events`, { method: 'POST', ...init });
  const get = (url: string) => fetch(url);
  const day = `from=${new Date(Date.now() - 86_400_000).toISOString()}&to=${new Date(Date.now() + 60_000).toISOString()}`;

  const toGateway = {
    'post /v1/events': [
      () => post(),
      () => post(),
      () => post({ headers, body: '[{}]' }),
      () => post({ headers, body: '{' }),
      () => post({ body: event }),
    ],
    'get /v1/pixel.gif': [() => get(`${gateway}/v1/pixel.gif?writeKey=${writeKey}&url=https://shop.example/`)],
    'get /penstock.js': [() => get(`${gateway}/penstock.js`)],
    'get /livez': [() => get(`${gateway}/livez`)],
    'get /readyz': [() => get(`${gateway}/readyz`)],
  };
  const json = { 'content-type': 'application/json' };
  const bodies: RequestInit[] = [
    { headers: json, body: '{"token":"none is needed here"}' },
    { headers: json, body: '{' },
    { headers: json, body: `"${'x'.repeat(2 * 1024 * 1024)}"` },
    { headers: { 'content-type': 'application/xml' }, body: '<token/>' },
  ];
  const session = (method: string, init: RequestInit) => fetch(`${admin}/api/session`, { method, ...init });
  const toAdmin = {
    'get /api/live': [
      () => get(`${admin}/api/live`),
      () => fetch(`${admin}/api/live`, { headers: { origin: 'https://elsewhere.example' } }),
    ],
    'get /api/late': [() => get(`${admin}/api/late`)],
    'get /api/metrics': [() => get(`${admin}/api/metrics`)],
    'get /api/metrics/{metric}': [
      ...['views', 'revenue', 'ingestionDelay', 'visitors', 'pages'].map(
        (metric) => () => get(`${admin}/api/metrics/${metric}?${day}`),
      ),
      () => get(`${admin}/api/metrics/views`),
      () => get(`${admin}/api/metrics/none?${day}`),
      () => get(`${admin}/api/metrics/${'x'.repeat(3000)}?${day}`),
    ],
    'get /api/events/{id}': [
      () => get(`${admin}/api/events/described`),
      () => get(`${admin}/api/events/purchase:T1`),
      () => get(`${admin}/api/events/unknown`),
      () => get(`${admin}/api/events/`),
      () => get(`${admin}/api/events/%zz`),
      () => get(`${admin}/api/events/${'x'.repeat(3000)}`),
    ],
    'get /api/visitors/events': [
      () => get(`${admin}/api/visitors/events?id=looker`),
      () => get(`${admin}/api/visitors/events`),
    ],
    'get /api/system': [() => get(`${admin}/api/system`)],
    'get /api/intake': [() => get(`${admin}/api/intake`)],
    'get /api/session': [() => get(`${admin}/api/session`)],
    'post /api/session': bodies.map((init) => () => session('POST', init)),
    'delete /api/session': [{}, ...bodies].map((init) => () => session('DELETE', init)),
    'get /livez': [() => get(`${admin}/livez`)],
    'get /readyz': [() => get(`${admin}/readyz`)],
    'get /metrics': [() => get(`${admin}/metrics`)],
    'get /gateway/metrics': [() => get(`${admin}/gateway/metrics`)],
    'get /broker/status': [() => get(`${admin}/broker/status`)],
    'get /broker/metrics': [() => get(`${admin}/broker/metrics`)],
  };
  // It never ends.
  const others = ['get /api/live/stream'];

  for (const [server, asked, more] of [
    [gateway, toGateway, []],
    [admin, toAdmin, others],
  ] as const) {
    const { operations, faults, faultOf } = await describedBy(server);
    expect(await faults()).toEqual([]);
    expect(operations.sort()).toEqual([...Object.keys(asked), ...more].sort());
    const answers = Object.entries(asked).flatMap(([operation, asks]) => asks.map((ask) => [operation, ask] as const));
    for (const [operation, ask] of answers) expect(await faultOf(operation, await ask())).toBeUndefined();
  }

  const docs = readFileSync('docs/live.md', 'utf8');
  const { operations } = await describedBy(admin);
  const paths = operations.map((operation) => operation.replace(/^\w+ /, '').replace(/\{(\w+)\}/g, ':$1'));
  expect(paths.filter((path) => !docs.includes(` ${path}`))).toEqual([]);
});
