import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchChromium } from '../helpers/chromium.js';
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
  await expect.poll(() => total.textContent(), { timeout: 20_000 }).toBe('0');

  const response = await fetch(`${instance.endpoints.gateway}/v1/events`, {
    method: 'POST',
    headers: { authorization: `Bearer ${instance.endpoints.writeKey}` },
    body: JSON.stringify({ type: 'page_view', anonymousId: 'somebody', page: { path: '/seen-on-the-page' } }),
  });
  expect(response.status).toBe(200);
  await expect.poll(() => total.textContent(), { timeout: 20_000 }).toBe('1');
  await expect.poll(() => page.locator('body').textContent(), { timeout: 20_000 }).toContain('/seen-on-the-page');

  // Who it was: read back from the hub.
  await page.locator('#latest td button').first().click();
  await expect
    .poll(() => page.locator('#visitor-events tbody').textContent(), { timeout: 30_000 })
    .toContain('/seen-on-the-page');
  await page.keyboard.press('Escape');

  // How the system itself is: all that was sent is read, and every part answers.
  await expect.poll(() => page.locator('[data-total="counted"]').textContent(), { timeout: 30_000 }).toBe('1');
  await expect.poll(() => page.locator('#partitions tbody tr').count(), { timeout: 30_000 }).toBe(1);
  await expect.poll(() => page.locator('#partitions tbody tr td').nth(1).textContent(), { timeout: 30_000 }).toBe('0');
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
  await expect.poll(sumsOf, { timeout: 30_000 }).toEqual({ euros: 19.99, steps: { view: 2, cart: 1, purchase: 1 } });
  const gauges = await (await fetch(`${instance.endpoints.admin}/metrics`)).text();
  expect(gauges).toContain('penstock_live_funnel{key="cart"} 1');
});
