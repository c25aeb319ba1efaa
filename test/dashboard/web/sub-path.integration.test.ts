import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { createMemoryLiveSource } from '../../helpers/live-source.js';
import { busy, createPageRig, patience } from './rig.js';

const { serve, open } = createPageRig();

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** Hands on what is below `path`, without it, as a web server with several things behind it does. */
async function startProxyBelow(path: string, to: string): Promise<string> {
  const server = createServer((asked, answer) => {
    if (asked.url?.startsWith(path) !== true) {
      answer.writeHead(404).end();
      return;
    }
    const { method, headers } = asked;
    const passed = request(new URL(asked.url.slice(path.length - 1), to), { method, headers }, (response) => {
      answer.writeHead(response.statusCode ?? 0, response.headers);
      response.pipe(answer);
    });
    passed.on('error', () => answer.destroy());
    answer.on('close', () => passed.destroy());
    asked.pipe(passed);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
}

it('the page works behind a proxy that has it below a path, with a token too', async () => {
  const { url } = await serve(createMemoryLiveSource(busy), { token: 'a-token-that-nobody-guesses' });
  const { page, figure, state, problems } = await open(await startProxyBelow('/stats/', url));
  await page.locator('#token').fill('a-token-that-nobody-guesses');
  await page.keyboard.press('Enter');
  await expect.poll(() => figure('visitors-total'), patience).toBe('1,234');
  expect(await state()).toBe('Live');
  expect(await page.locator('#broker-link').evaluate((link: HTMLAnchorElement) => new URL(link.href).pathname)).toBe(
    '/stats/broker',
  );
  expect(problems).toEqual([]);
});
