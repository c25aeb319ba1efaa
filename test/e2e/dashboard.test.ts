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
  await page.close();
});
