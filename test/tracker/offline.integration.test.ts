import type { Frame } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { leave, openSite, type SentEvent, type Site, say } from './site.js';

const patience = { timeout: 120_000 };

let site: Site;
beforeAll(async () => {
  site = await openSite();
});
afterAll(() => site.close());
afterEach(() => site.clear());

const types = () => site.events().map(({ type }) => type);

describe('a collector in trouble', () => {
  it('that is overloaded is sent the same events, with the same ids, again', async () => {
    site.state.statuses = [503, 503];
    const { problems } = await site.visit(site.scriptTag());
    await expect.poll(() => site.state.posted.length, patience).toBe(3);
    const ids = site.state.posted.map(({ body }) => body.events.map(({ id }) => id));
    expect(ids[1]).toEqual(ids[0]);
    expect(ids[2]).toEqual(ids[0]);
    expect(site.state.posted[1]?.body.sentAt).not.toBe(site.state.posted[0]?.body.sentAt);
    expect(problems).toEqual([]);
  });

  it('that cannot take one event yet is sent that again, without its neighbours', async () => {
    site.state.unready.add('purchase');
    const { page } = await site.visit(site.scriptTag());
    await say(page, 'purchase');
    await expect.poll(() => site.eventsOf('purchase').length, patience).toBe(2);
    expect(new Set(site.eventsOf('purchase').map(({ id }) => id)).size).toBe(1);
    expect(site.eventsOf('page_view')).toHaveLength(1);
  });

  it('that refuses is not asked again', async () => {
    site.state.statuses = [401];
    const { page } = await site.visit(site.scriptTag());
    await expect.poll(() => site.state.posted.length, patience).toBe(1);
    await say(page, 'later');
    await expect.poll(() => site.state.posted.length, patience).toBe(2);
    expect(site.state.posted[1]?.body.events.map(({ type }) => type)).toEqual(['later']);
  });

  it('that never answers is given up after half a minute, and what it was sent is sent again', async () => {
    site.state.held = new Promise(() => {});
    const hurried = `<script>
      const { timeout } = AbortSignal;
      AbortSignal.timeout = (ms) => timeout.call(AbortSignal, ms / 30);
      const { now } = Date;
      Date.now = () => now() * 30;
    </script>`;
    await site.visit(hurried + site.scriptTag());
    await expect.poll(() => types().length, patience).toBeGreaterThan(0);
    site.state.held = undefined;
    await expect.poll(() => types().length, patience).toBeGreaterThan(1);
    expect(new Set(types())).toEqual(new Set(['page_view']));
    expect(new Set(site.events().map(({ id }) => id)).size).toBe(1);
  });

  it('costs a visitor nothing who goes from page to page faster than the tracker sends', async () => {
    site.state.statuses = Array(9).fill(500);
    const { page } = await site.visit(site.scriptTag(), '/1');
    await say(page, 'ordered');
    await expect.poll(() => site.state.posted.length, patience).toBe(1);
    for (const path of ['/2', '/3']) {
      await site.visit(site.scriptTag(), path, page);
      await page.waitForFunction(() => window.penstock);
    }
    const context = page.context();
    await leave(page);
    const failed = site.state.posted.length;
    site.state.statuses = [];
    await site.visit(site.scriptTag(), '/4', context);
    const arrived = () => site.state.posted.slice(failed).flatMap(({ body }) => body.events);
    await expect
      .poll(() => arrived().map(({ type, page }) => `${type} ${page['path']}`), patience)
      .toEqual(['page_view /1', 'ordered /1', 'page_view /2', 'page_view /3', 'page_view /4']);
  });
});

describe('two pages of one site', () => {
  it('send what waits once, though the visitor goes from one to the other meanwhile', async () => {
    const { page } = await site.visit(site.scriptTag(), '/a');
    const { page: other } = await site.visit(site.scriptTag(), '/b', page.context());
    await expect.poll(types, patience).toEqual(['page_view', 'page_view']);
    /** As a browser tells both, at the same moment. */
    const change = (isHidden: boolean) => {
      Object.defineProperty(document, 'hidden', { value: isHidden, configurable: true });
      document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
    };
    for (let round = 0; round < 10; round++) {
      await say(page, `event_${round}`);
      await Promise.all([page.evaluate(change, round % 2 === 0), other.evaluate(change, round % 2 === 1)]);
    }
    await expect.poll(() => new Set(types()).size, patience).toBe(11);
    expect(types()).toHaveLength(12);
  });

  it('leave it to the one that is sending when the other is closed', async () => {
    const { page } = await site.visit(site.scriptTag(), '/a');
    const { page: other } = await site.visit(site.scriptTag(), '/b', page.context());
    await expect.poll(types, patience).toEqual(['page_view', 'page_view']);
    let release = () => {};
    site.state.held = new Promise((resolve) => {
      release = resolve;
    });
    await say(page, 'under_way');
    await expect.poll(() => types().length, patience).toBe(3);
    await say(other, 'last');
    await leave(other);
    release();
    await expect.poll(types, patience).toEqual(['page_view', 'page_view', 'under_way', 'last']);
  });
});

describe('without a network', () => {
  it('events wait, and are sent once and in order when it is back', async () => {
    const { page, problems } = await site.visit(site.scriptTag());
    await expect.poll(types, patience).toEqual(['page_view']);
    await page.context().setOffline(true);
    for (const type of ['a', 'b', 'c']) await say(page, type);
    await page.context().setOffline(false);
    await expect.poll(types, patience).toEqual(['page_view', 'a', 'b', 'c']);
    expect(problems).toEqual([]);
  });

  it('they survive a reload and a closed page, and the next page sends them first, for the same visitor', async () => {
    const { page } = await site.visit(site.scriptTag());
    await expect.poll(types, patience).toEqual(['page_view']);
    const context = page.context();
    await context.setOffline(true);
    for (const type of ['a', 'b']) await say(page, type);
    await leave(page);
    await context.setOffline(false);
    expect(types()).toEqual(['page_view']);
    await site.visit(site.scriptTag(), '/next', context);
    await expect.poll(types, patience).toEqual(['page_view', 'a', 'b', 'page_view']);
    expect(new Set(site.events().map(({ id }) => id)).size).toBe(4);
    expect(new Set(site.events().map(({ anonymousId }) => anonymousId)).size).toBe(1);
  });

  it('of two pages that find what a third has left, one sends it', async () => {
    const { page } = await site.visit(site.scriptTag());
    await expect.poll(types, patience).toEqual(['page_view']);
    const context = page.context();
    const { page: other } = await site.visit(site.scriptTag(), '/other', context);
    await expect.poll(types, patience).toEqual(['page_view', 'page_view']);
    await context.setOffline(true);
    for (let index = 0; index < 30; index++) await say(index % 2 ? page : other, `event_${index}`);
    await leave(page);
    await context.setOffline(false);
    await Promise.all(['/x', '/y', '/z'].map((path) => site.visit(site.scriptTag(), path, context)));
    await expect.poll(() => new Set(types()).size, patience).toBe(31);
    await expect.poll(() => site.eventsOf('page_view').length, patience).toBe(5);
    const ids = site.events().map(({ id }) => id);
    expect(ids).toHaveLength(new Set(ids).size);
  });
});

describe('a page that goes away', () => {
  it('leaves its last events to the browser, with a request that needs no leave to be sent', async () => {
    const { page } = await site.visit(site.scriptTag());
    await expect.poll(types, patience).toEqual(['page_view']);
    await say(page, 'goodbye');
    await leave(page);
    await expect.poll(types, patience).toEqual(['page_view', 'goodbye']);
    expect(site.state.posted.at(-1)).toMatchObject({
      method: 'POST',
      url: '/v1/events?writeKey=the+key',
      contentType: 'text/plain;charset=UTF-8',
    });
  });

  it('in the middle of a request does not have the next page send the same again', async () => {
    let release = () => {};
    site.state.held = new Promise((resolve) => {
      release = resolve;
    });
    const { page } = await site.visit(site.scriptTag(), '/a');
    await expect.poll(types, patience).toEqual(['page_view']);
    await site.visit(site.scriptTag(), '/b', page);
    release();
    await say(page, 'last');
    await expect.poll(types, patience).toEqual(['page_view', 'page_view', 'last']);
    expect(site.events().map((event) => event.page['path'])).toEqual(['/a', '/b', '/b']);
  });
});

describe('a storage that cannot be used', () => {
  it('because it is full costs nothing but what a closed page without a network would lose', async () => {
    const fill = `<script>
      for (let size = 2 ** 22; size >= 1; size /= 2) {
        for (let n = 0; ; n++) { try { localStorage.setItem('fill' + size + '.' + n, 'x'.repeat(size)) } catch { break } }
      }
    </script>`;
    const { page, problems } = await site.visit(fill + site.scriptTag());
    await expect.poll(types, patience).toEqual(['page_view']);
    const isFull = await page.evaluate(() => {
      try {
        localStorage.setItem('one more', 'x'.repeat(9));
        return false;
      } catch (error) {
        return (error as Error).name;
      }
    });
    expect(isFull).toBe('QuotaExceededError');
    await page.context().setOffline(true);
    for (const type of ['a', 'b']) await say(page, type);
    await page.context().setOffline(false);
    await expect.poll(types, patience).toEqual(['page_view', 'a', 'b']);
    await say(page, 'goodbye');
    await leave(page);
    await expect.poll(types, patience).toEqual(['page_view', 'a', 'b', 'goodbye']);
    expect(new Set(site.events().map(({ anonymousId }) => anonymousId)).size).toBe(1);
    expect(problems).toEqual([]);
  });

  it.each(['local', 'cookie'])(
    'because the frame is sandboxed makes one visitor for each page (%s)',
    async (storage) => {
      const inner = `<a href="#x" id="link">x</a>${site.scriptTag(`data-storage="${storage}"`)}`.replaceAll(
        '"',
        '&quot;',
      );
      const { page, problems } = await site.visit(`<iframe sandbox="allow-scripts" srcdoc="${inner}"></iframe>`);
      await page.frameLocator('iframe').locator('#link').waitFor();
      const frame = page.frames()[1] as Frame;
      const blocked = await frame.evaluate(() => {
        try {
          return String(localStorage);
        } catch (error) {
          return (error as Error).name;
        }
      });
      expect(blocked).toBe('SecurityError');
      await expect.poll(types, patience).toEqual(['page_view']);
      await say(frame, 'seen');
      await expect.poll(types, patience).toEqual(['page_view', 'seen']);
      const [first, second] = site.events() as [SentEvent, SentEvent];
      expect([second.anonymousId, second.sessionId]).toEqual([first.anonymousId, first.sessionId]);
      expect(problems).toEqual([]);
    },
  );
});
