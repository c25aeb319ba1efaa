import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { launchProfile, launchWholeChromium } from '../helpers/chromium.js';
import { createTempDir } from '../helpers/parts.js';
import { openSite, type Site, say } from './site.js';

const patience = { timeout: 120_000 };

let site: Site;
beforeAll(async () => {
  site = await openSite(launchWholeChromium);
});
afterAll(() => site.close());

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  await site.clear();
});

/** A browser as a visitor has one, with these settings; what Playwright opens otherwise is a private window. */
async function openProfile(preferences: object = {}) {
  const dir = createTempDir('profile');
  cleanups.push(dir.remove);
  mkdirSync(join(dir.path, 'Default'));
  writeFileSync(join(dir.path, 'Default', 'Preferences'), JSON.stringify(preferences));
  const context = await launchProfile(dir.path);
  cleanups.push(() => context.close());
  return context;
}

describe('a page that the browser has kept in its back-forward cache', () => {
  const pathsOf = (type: string) => site.eventsOf(type).map(({ page }) => page['path']);

  it('is viewed again when it is shown again, by the same visitor in the same session', async () => {
    // Playwright would switch the cache off.
    const browser = await launchWholeChromium({ ignoreDefaultArgs: ['--disable-back-forward-cache'] });
    cleanups.push(() => browser.close());
    const told = `<script>addEventListener('pageshow', (event) => { document.title = 'kept: ' + event.persisted; });</script>`;
    const { page, problems } = await site.visit(told + site.scriptTag(), '/a', await browser.newContext());
    await expect.poll(() => pathsOf('page_view'), patience).toEqual(['/a']);
    await page.evaluate(() => Object.assign(window, { isTheSamePage: true }));
    await page.goto(`${site.url}/b`);
    await expect.poll(() => pathsOf('page_view'), patience).toEqual(['/a', '/b']);

    await page.evaluate(() => setTimeout(() => history.back()));
    await expect.poll(() => pathsOf('page_view'), patience).toEqual(['/a', '/b', '/a']);
    // Not loaded anew, which would be a view as well.
    expect(await page.evaluate(() => [document.title, 'isTheSamePage' in window])).toEqual(['kept: true', true]);
    await say(page, 'seen', {});
    await expect.poll(() => pathsOf('seen'), patience).toEqual(['/a']);
    expect(new Set(site.events().map(({ anonymousId, sessionId }) => `${anonymousId} ${sessionId}`)).size).toBe(1);
    expect(new Set(site.events().map(({ id }) => id)).size).toBe(site.events().length);
    expect(problems).toEqual([]);
  });
});

describe('a browser that is told to keep nothing of any site', () => {
  it.each(['local', 'cookie'])('is a visitor for each page, and its events arrive (%s)', async (storage) => {
    const context = await openProfile({ profile: { default_content_setting_values: { cookies: 2 } } });
    const { page, problems } = await site.visit(site.scriptTag(`data-storage="${storage}"`), '/a', context);
    const kept = await page.evaluate(() => {
      // biome-ignore lint/suspicious/noDocumentCookie: it is what the tracker does
      document.cookie = 'a=b';
      try {
        localStorage.setItem('a', 'b');
      } catch (error) {
        return [document.cookie, (error as Error).name];
      }
      return [document.cookie, 'kept'];
    });
    expect(kept).toEqual(['', 'SecurityError']);
    await say(page, 'seen', {});
    await expect.poll(() => site.events().length, patience).toBe(2);
    await page.goto(`${site.url}/b`);
    await expect
      .poll(() => site.events().map(({ type }) => type), patience)
      .toEqual(['page_view', 'seen', 'page_view']);
    const [first, second, third] = site.events().map(({ anonymousId }) => anonymousId);
    expect(second).toBe(first);
    expect(third).not.toBe(first);
    expect(problems).toEqual([]);
  });
});

describe('in a frame of another site', () => {
  /** Another site that shows the shop's page in a frame: names, not ports, tell sites apart. */
  async function openFramingSite(): Promise<string> {
    const server = createServer((_request, response) => {
      response.setHeader('content-type', 'text/html');
      response.end(`<!doctype html><title>Blog</title><iframe src="${site.url}/framed"></iframe>`);
    });
    await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
    cleanups.push(() => {
      server.closeAllConnections();
      server.close();
    });
    return `http://localhost:${(server.address() as AddressInfo).port}`;
  }

  it.each([
    ['one visitor, kept apart from the one of the shop itself', 'profile', 'local', true],
    ['a visitor for each page with cookies, of which such a frame gets none of this kind', 'profile', 'cookie', false],
    ['a visitor for each page in a private window, which lets it keep nothing', 'private', 'local', false],
  ])('there is %s', async (_title, window, storage, isKept) => {
    const blog = await openFramingSite();
    // 0: no site is blocked in the frames of others.
    const context = window === 'profile' ? await openProfile({ profile: { cookie_controls_mode: 0 } }) : undefined;
    const { page: shop, problems } = await site.visit(site.scriptTag(`data-storage="${storage}"`), '/own', context);
    await expect.poll(() => site.events().length, patience).toBe(1);
    const page = await shop.context().newPage();
    page.on('pageerror', (error) => problems.push(error.message));
    for (const views of [2, 3]) {
      await page.goto(`${blog}/${views}`);
      await expect.poll(() => site.events().length, patience).toBe(views);
    }
    expect(site.events().map(({ page }) => page['path'])).toEqual(['/own', '/framed', '/framed']);
    expect(site.events()[1]?.page['referrer']).toBe(`${blog}/`);
    const [own, first, second] = site.events().map(({ anonymousId }) => anonymousId);
    expect(first).not.toBe(own);
    expect(second === first).toBe(isKept);
    expect(problems).toEqual([]);
  });
});
