import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { brokerRoutes } from '../../../src/cli/broker/admin-routes.js';
import { type AdminServer, startAdminServer } from '../../../src/dashboard/index.js';
import { systemClock } from '../../../src/shared/clock.js';
import { createLogger } from '../../../src/shared/logger.js';
import { startTestBroker, type TestBroker } from '../../helpers/broker.js';
import { launchChromium } from '../../helpers/chromium.js';
import { createMemoryLiveSource } from '../../helpers/live-source.js';
import { waitFor } from '../../helpers/wait.js';
import { builtWeb } from '../../helpers/web-build.js';

let broker: TestBroker;
let browser: Browser | undefined;
const servers: AdminServer[] = [];

beforeAll(async () => {
  broker = await startTestBroker();
});
afterAll(async () => {
  await browser?.close();
  for (const server of servers) await server.stop();
  await broker.remove();
});

async function start(connectionString: string, token?: string): Promise<string> {
  const logger = createLogger('dashboard', 'silent');
  const server = await startAdminServer(
    { live: createMemoryLiveSource(), routes: [brokerRoutes(connectionString)], clock: systemClock, logger },
    { host: '127.0.0.1', port: 0, webFolder: builtWeb().dashboardFolder, token },
  );
  servers.push(server);
  return server.url;
}

it('the admin port shows what the embedded broker shows, its page alive', async () => {
  const url = await start(broker.connectionString);
  expect(await (await fetch(`${url}/broker/status`)).json()).toMatchObject({ topics: [{ name: 'events' }] });
  expect(await (await fetch(`${url}/broker/metrics`)).text()).toContain('penstock_broker_connections');
  browser = await launchChromium();
  const page = await browser.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => complaints.push(message.text()));
  await page.goto(`${url}/broker`);
  const asOf = () => page.locator('dd').first().innerText();
  const first = await asOf();
  await waitFor('the page to be written anew', async () => (await asOf()) !== first);
  expect(complaints).toEqual([]);
});

it('it asks for the admin token where there is one', async () => {
  const url = await start(broker.connectionString, 'a-token-that-nobody-guesses');
  expect((await fetch(`${url}/broker/status`)).status).toBe(401);
  const headers = { authorization: 'Bearer a-token-that-nobody-guesses' };
  expect((await fetch(`${url}/broker/status`, { headers })).status).toBe(200);
});

it('it says so when the broker does not answer, and is not there for Azure', async () => {
  const gone = broker.connectionString.replace(/:\d+;/, ':1;');
  expect((await fetch(`${await start(gone)}/broker`)).status).toBe(503);
  const azure = 'Endpoint=sb://shop.servicebus.windows.net/;SharedAccessKeyName=a;SharedAccessKey=b';
  expect((await fetch(`${await start(azure)}/broker`)).status).toBe(404);
});
