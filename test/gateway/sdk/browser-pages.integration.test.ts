import type { jitsuAnalytics } from '@jitsu/js';
import type { OpenPanel } from '@openpanel/sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BrowserSite, openBrowserSite } from './browser-site.js';
import { JITSU_KEY, type SdkStack, startSdkStack, WRITE_KEY } from './stack.js';

declare const window: { jitsuAnalytics: typeof jitsuAnalytics; OpenPanel: typeof OpenPanel };

describe('the libraries on the pages of another site', () => {
  let stack: SdkStack;
  let site: BrowserSite;
  beforeAll(async () => {
    stack = await startSdkStack();
    site = await openBrowserSite(
      "import { jitsuAnalytics } from '@jitsu/js'; import { OpenPanel } from '@openpanel/sdk';" +
        'Object.assign(window, { jitsuAnalytics, OpenPanel });',
      { csp: `default-src 'none'; script-src 'self'; connect-src ${stack.url}` },
    );
  });
  afterAll(async () => {
    await site.close();
    await stack.stop();
  });

  it('@jitsu/js and @openpanel/sdk at once, under a strict policy: each event once, and a quiet console', async () => {
    const page = await site.visit('/shoes?utm_source=mail');
    const said: string[] = [];
    page.on('console', (message) => said.push(message.text()));
    page.on('pageerror', (error) => said.push(error.message));
    await page.evaluate(
      async ([url, writeKey, jitsuKey]) => {
        const jitsu = window.jitsuAnalytics({ host: url, writeKey: jitsuKey });
        const openPanel = new window.OpenPanel({ clientId: writeKey, apiUrl: url });
        await Promise.all([
          jitsu.page(),
          jitsu.identify('user-1', { plan: 'pro' }),
          openPanel.track('screen_view', { __path: location.href, __title: 'Shop' }),
          openPanel.track('Play Song', { genre: 'ü' }),
        ]);
      },
      [stack.url, WRITE_KEY, JITSU_KEY] as const,
    );
    const events = await stack.events(4);
    expect(events.map(({ type }) => type).sort()).toEqual(['identify', 'page_view', 'page_view', 'play_song']);
    for (const { data } of events.filter(({ type }) => type === 'page_view')) {
      expect(data).toMatchObject({
        page: { path: '/shoes', title: 'Shop' },
        context: { campaign: { source: 'mail' } },
      });
    }
    expect(said).toEqual([]);
    await page.close();
  });

  it('what their protocols send with credentials is answered so that the page may read it', async () => {
    const page = await site.visit();
    const paths = [
      '/track/',
      '/engage/',
      '/groups/',
      '/e/',
      '/decide/',
      '/flags/',
      '/batch/',
      '/g/collect',
      '/matomo.php',
    ];
    const read = await page.evaluate(
      async ([url, paths]) => {
        const statusOf = async (path: string) => {
          // An answer that may not be read is an error here.
          const response = await fetch(url + path, { method: 'POST', credentials: 'include', body: '{}' });
          return [path, response.status];
        };
        return Promise.all(paths.map(statusOf));
      },
      [stack.url, paths] as const,
    );
    expect(read.map(([path]) => path)).toEqual(paths);
    for (const [, status] of read) expect([400, 401]).toContain(status);
    await page.close();
  });
});
