import type { BrowserContext, Page } from 'playwright-core';
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
/** The names of all that the tracker has stored in the browser. */
const stored = async (page: Page) => {
  const keys = await page.evaluate(() => Object.keys(localStorage));
  const cookies = (await page.context().cookies()).map(({ name }) => name);
  return [...keys, ...cookies].sort();
};
/** Whatever was to be sent has been sent: a page that may be measured has said something, and it has come. */
const settle = async (context?: BrowserContext) => {
  const { page } = await site.visit(site.scriptTag('data-views="manual" data-key="other"'), '/', context);
  await say(page, 'settled');
  await expect.poll(() => site.eventsOf('settled').length, patience).toBe(1);
};

describe('where consent is required', () => {
  const tag = (more = '') => site.scriptTag(`data-consent="required" ${more}`);

  it('nothing is stored or sent before, and what happened before is sent with it', async () => {
    const { page, problems } = await site.visit(tag());
    await say(page, 'identify', 'user-1');
    await say(page, 'before');
    await settle();
    expect([types(), await stored(page)]).toEqual([['settled'], []]);
    await say(page, 'consent', { analytics: 'granted', marketing: false });
    await expect.poll(types, patience).toEqual(['settled', 'page_view', 'before']);
    const [, view, before] = site.events() as [SentEvent, SentEvent, SentEvent];
    expect(before).toMatchObject({
      userId: 'user-1',
      anonymousId: view.anonymousId,
      consent: { analytics: 'granted', marketing: 'denied' },
    });
    expect(await stored(page)).toEqual(['_penstock', '_penstock_consent']);
    expect(problems).toEqual([]);
  });

  it('the answer is remembered on the next page, and so is the visitor', async () => {
    const { page } = await site.visit(tag(), '/a');
    await say(page, 'consent', { analytics: true });
    await expect.poll(types, patience).toEqual(['page_view']);
    await site.visit(tag(), '/b', page);
    await expect.poll(types, patience).toEqual(['page_view', 'page_view']);
    expect(new Set(site.events().map(({ anonymousId }) => anonymousId)).size).toBe(1);
  });

  it('a refusal drops what happened before, for good', async () => {
    const { page } = await site.visit(tag());
    await say(page, 'before');
    await say(page, 'consent', { analytics: 'denied' });
    await say(page, 'after');
    await say(page, 'consent', { analytics: 'granted' });
    await say(page, 'again');
    await expect.poll(types, patience).toEqual(['again']);
  });

  it('a page that is left without an answer leaves nothing', async () => {
    const { page } = await site.visit(tag());
    await say(page, 'before');
    await page.goto(`${site.url}/`);
    await settle();
    await leave(page);
    expect(types()).toEqual(['settled']);
  });

  it('is asked for the purpose that the site names', async () => {
    const { page } = await site.visit(tag('data-purpose="statistics"'));
    await say(page, 'consent', { analytics: 'granted' });
    await settle();
    expect(types()).toEqual(['settled']);
    await say(page, 'consent', { statistics: 'granted' });
    await expect.poll(types, patience).toEqual(['settled', 'page_view']);
  });
});

describe('a refusal while a request is under way', () => {
  it.each(['this page', 'another page'])('lets nothing of it come back when that fails (%s)', async (where) => {
    const { page } = await site.visit(site.scriptTag(), '/a');
    await expect.poll(types, patience).toEqual(['page_view']);
    // It has nothing to say, so it sends nothing of the first one's either.
    const { page: other } = await site.visit(site.scriptTag('data-views="manual"'), '/b', page.context());
    let release = () => {};
    site.state.held = new Promise((resolve) => {
      release = resolve;
    });
    site.state.statuses = [503];
    await page.evaluate(() => {
      const { fetch } = window;
      window.fetch = async (...args) => {
        const response = await fetch(...args);
        setTimeout(() => {
          document.title = String(response.status);
        });
        return response;
      };
    });
    await say(page, 'before');
    await expect.poll(() => site.eventsOf('before').length, patience).toBe(1);
    await say(where === 'this page' ? page : other, 'consent', { analytics: 'denied' });
    release();
    await page.waitForFunction(() => document.title === '503');
    await leave(other);
    await say(page, 'consent', { analytics: 'granted' });
    await say(page, 'after');
    await expect.poll(() => site.eventsOf('after').length, patience).toBe(1);
    expect(site.eventsOf('before')).toHaveLength(1);
  });
});

describe('where it is not', () => {
  it.each(['local', 'cookie'])('a refusal wipes ids and queue, on every open page, and lasts (%s)', async (storage) => {
    const tag = site.scriptTag(`data-storage="${storage}"`);
    const { page } = await site.visit(tag);
    const { page: other } = await site.visit(tag, '/', page.context());
    await expect.poll(types, patience).toEqual(['page_view', 'page_view']);
    await page.context().setOffline(true);
    await say(page, 'unsent');
    await say(other, 'unsent');
    await say(page, 'consent', { analytics: 'denied' });
    await page.context().setOffline(false);
    await say(other, 'unsent');
    await site.visit(tag, '/', page.context());
    await settle();
    expect(types()).toEqual(['page_view', 'page_view', 'settled']);
    expect(await stored(page)).toEqual(['_penstock_consent']);
  });

  it('a signal of the browser is a refusal if the site honours it', async () => {
    const signal = `<script>Object.defineProperty(navigator, 'globalPrivacyControl', { value: true })</script>`;
    const { page } = await site.visit(signal + site.scriptTag('data-signals="honour"'));
    await say(page, 'consent', { analytics: 'granted' });
    await say(page, 'never');
    await site.visit(signal + site.scriptTag());
    await expect.poll(types, patience).toEqual(['page_view']);
  });
});

describe('where ids are kept', () => {
  it('in first-party cookies, if the site wants that', async () => {
    const { page } = await site.visit(site.scriptTag('data-storage="cookie"'), '/a/b');
    await expect.poll(types, patience).toEqual(['page_view']);
    const [cookie] = await page.context().cookies();
    expect(cookie).toMatchObject({ name: '_penstock', domain: '127.0.0.1', path: '/', sameSite: 'Lax', secure: false });
    expect(cookie?.value).toContain(site.events()[0]?.anonymousId);
    const lifetimeDays = ((cookie?.expires ?? 0) - Date.now() / 1000) / 86_400;
    expect(Math.round(lifetimeDays)).toBe(395);
    await say(page, 'identify', 'Ünïcode; user=1');
    await site.visit(site.scriptTag('data-storage="cookie"'), '/', page);
    await expect.poll(types, patience).toEqual(['page_view', 'page_view']);
    const [first, second] = site.events() as [SentEvent, SentEvent];
    expect(second).toMatchObject({ anonymousId: first.anonymousId, userId: 'Ünïcode; user=1' });
    expect(await page.evaluate(() => localStorage.getItem('_penstock'))).toBeNull();
  });

  it('nowhere, if the site wants that: each page is a visitor of its own', async () => {
    const { page } = await site.visit(site.scriptTag('data-storage="none"'));
    await say(page, 'second');
    await say(page, 'consent', { marketing: 'denied' });
    await page.context().setOffline(true);
    await say(page, 'third');
    expect(await stored(page)).toEqual([]);
    await page.context().setOffline(false);
    await expect.poll(types, patience).toEqual(['page_view', 'second', 'third']);
    expect(new Set(site.events().map(({ anonymousId }) => anonymousId)).size).toBe(1);
    await site.visit(site.scriptTag('data-storage="none"'), '/', page);
    await expect.poll(types, patience).toEqual(['page_view', 'second', 'third', 'page_view']);
    expect(site.events().at(-1)?.anonymousId).not.toBe(site.events()[0]?.anonymousId);
  });
});
