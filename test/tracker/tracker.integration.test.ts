import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { builtWeb } from '../helpers/web-build.js';
import { openSite, type Posted, type SentEvent, type Site, say } from './site.js';

const ID = /^\d+-\d+-\d+-\d+$/;
const patience = { timeout: 120_000 };

let site: Site;
beforeAll(async () => {
  site = await openSite();
});
afterAll(() => site.close());
afterEach(() => site.clear());

describe('the script', () => {
  it('leaves nothing on the page but window.penstock', async () => {
    const globals = (page: Page) => page.evaluate(() => Object.keys(window).sort());
    const { page: bare } = await site.visit('');
    const { page } = await site.visit(site.scriptTag());
    await page.waitForFunction(() => window.penstock);
    expect(await globals(page)).toEqual([...(await globals(bare)), 'penstock'].sort());
    // So that it is not taken for an event of the next test.
    await expect.poll(() => site.events().length, patience).toBe(1);
  });

  it('runs under a policy that forbids inline and evaluated script', async () => {
    const policy = `default-src 'none'; script-src ${site.collectorUrl}; connect-src ${site.collectorUrl}`;
    const { problems } = await site.visit(
      `<meta http-equiv="Content-Security-Policy" content="${policy}">${site.scriptTag()}`,
    );
    await expect.poll(() => site.eventsOf('page_view').length, patience).toBe(1);
    expect(problems).toEqual([]);
  });

  it('has a source map that brings the sources along', () => {
    const map = JSON.parse(readFileSync(`${builtWeb().trackerScript}.map`, 'utf8')) as Record<string, string[]>;
    const queue = map['sources']?.findIndex((source) => source.endsWith('queue.ts')) ?? -1;
    expect(map['sourcesContent']?.[queue]).toContain('export function createQueue');
  });

  it('is under 3 kB, compressed', () => {
    expect(gzipSync(site.script, { level: 9 }).length).toBeLessThan(3_000);
  });
});

describe('a page view', () => {
  it('is sent when the page loads, with what is known of page, visitor and campaign', async () => {
    const { problems } = await site.visit(site.scriptTag(), '/shoes?utm_source=news&utm_campaign=spring&q=1');
    await expect.poll(() => site.state.posted.length, patience).toBe(1);
    const [{ method, url, contentType, body }] = site.state.posted as [Posted];
    expect([method, url, contentType]).toEqual(['POST', '/v1/events?writeKey=the+key', 'text/plain;charset=UTF-8']);
    const [view] = body.events as [SentEvent];
    expect(view).toEqual({
      id: expect.stringMatching(ID),
      type: 'page_view',
      occurredAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      anonymousId: expect.stringMatching(ID),
      sessionId: expect.stringMatching(ID),
      page: {
        url: `${site.url}/shoes?utm_source=news&utm_campaign=spring&q=1`,
        path: '/shoes',
        title: 'Shop',
        referrer: '',
      },
      properties: {},
      context: { locale: 'de-DE', campaign: { source: 'news', campaign: 'spring' } },
      consent: {},
    });
    expect(Date.parse(body.sentAt)).toBeGreaterThanOrEqual(Date.parse(view.occurredAt));
    expect(problems).toEqual([]);
  });

  it('of the same browser is the same visitor in the same session; of another browser, another', async () => {
    const { page } = await site.visit(site.scriptTag());
    await expect.poll(() => site.events().length, patience).toBe(1);
    await site.visit(site.scriptTag(), '/next', page);
    await expect.poll(() => site.events().length, patience).toBe(2);
    await site.visit(site.scriptTag());
    await expect.poll(() => site.events().length, patience).toBe(3);
    const [first, second, other] = site.events() as [SentEvent, SentEvent, SentEvent];
    expect([second.anonymousId, second.sessionId]).toEqual([first.anonymousId, first.sessionId]);
    expect(other.anonymousId).not.toBe(first.anonymousId);
    expect(other.sessionId).not.toBe(first.sessionId);
  });

  it('is sent to the collector that data-host names', async () => {
    await site.visit(`<script src="/penstock.js" data-key="k" data-host="${site.collectorUrl}"></script>`);
    await expect.poll(() => site.state.posted[0]?.url, patience).toBe('/v1/events?writeKey=k');
  });

  it('finds a collector that data-host names without a scheme, as the page was found', async () => {
    const { host } = new URL(site.collectorUrl);
    for (const name of [host, `${host}/`, `//${host}`]) {
      await site.visit(`<script src="/penstock.js" data-key="k" data-host="${name}"></script>`);
      await expect.poll(() => site.state.posted.splice(0).length, patience).toBe(1);
    }
  });
});

describe('a click', () => {
  const body = () => `
    <a id="in" href="#here"><b>Inside</b></a>
    <a id="out" href="https://other.example/x" onclick="event.preventDefault()">Out</a>
    <a id="mail" href="mailto:somebody@example.com" onclick="event.preventDefault()">Mail</a>
    <button id="cart" data-penstock-event="add_to_cart" data-penstock-item-id="A1" data-penstock-value="9.5"><i>Buy</i></button>
    <p id="text">Text</p>
    ${site.scriptTag()}`;

  it('on a link, or on an element with an event of its own, is sent; any other is not', async () => {
    const { page } = await site.visit(body());
    await expect.poll(() => site.events().length, patience).toBe(1);
    for (const id of ['text', 'mail', 'in', 'out', 'cart']) await page.click(`#${id}`);
    await expect.poll(() => site.events().length, patience).toBe(4);
    expect(site.events().map(({ type, properties }) => [type, properties])).toEqual([
      ['page_view', {}],
      ['click', { link_url: `${site.url}/#here`, link_domain: '127.0.0.1', link_text: 'Inside', outbound: false }],
      [
        'click',
        { link_url: 'https://other.example/x', link_domain: 'other.example', link_text: 'Out', outbound: true },
      ],
      ['add_to_cart', { item_id: 'A1', value: 9.5 }],
    ]);
  });

  it('on a web component counts for what is around it, as on any element', async () => {
    const { page } = await site.visit(`
      <script>
        customElements.define('x-icon', class extends HTMLElement {
          constructor() {
            super();
            this.attachShadow({ mode: 'open' }).innerHTML = '<b>icon</b>';
          }
        });
      </script>
      <a href="#x"><x-icon id="linked"></x-icon></a>
      <button data-penstock-event="vote"><x-icon id="named"></x-icon></button>
      ${site.scriptTag('data-views="manual"')}`);
    await page.waitForFunction(() => window.penstock);
    for (const id of ['linked', 'named']) await page.click(`#${id}`);
    await expect.poll(() => site.events().map(({ type }) => type), patience).toEqual(['click', 'vote']);
    expect(site.events()[0]?.properties['link_url']).toBe(`${site.url}/#x`);
  });

  it('is one of the main or the middle button: the secondary one opens a menu', async () => {
    const { page } = await site.visit(`<a id="in" href="#x">In</a>${site.scriptTag('data-views="manual"')}`);
    await page.waitForFunction(() => window.penstock);
    for (const button of ['right', 'left', 'middle'] as const) await page.click('#in', { button });
    await say(page, 'last');
    await expect.poll(() => site.eventsOf('last').length, patience).toBe(1);
    expect(site.eventsOf('click')).toHaveLength(2);
  });

  it('that leads away is not lost with the page', async () => {
    const { page } = await site.visit(`<a id="away" href="/next">Next</a>${site.scriptTag()}`);
    await expect.poll(() => site.events().length, patience).toBe(1);
    site.state.html = '';
    await page.click('#away');
    await page.waitForURL('**/next');
    await expect.poll(() => site.eventsOf('click').length, patience).toBe(1);
  });
});

describe('penstock()', () => {
  it('sends what the shop calls, and names the user from then on', async () => {
    const { page } = await site.visit(site.scriptTag());
    await expect.poll(() => site.events().length, patience).toBe(1);
    const purchase = { transaction_id: 'T1', value: 9.5, currency: 'EUR' };
    await say(page, 'identify', 'user-1');
    await say(page, 'purchase', purchase);
    await expect.poll(() => site.eventsOf('purchase').length, patience).toBe(1);
    expect(site.eventsOf('purchase')[0]).toMatchObject({ userId: 'user-1', properties: purchase });
    expect(site.eventsOf('page_view')[0]).not.toHaveProperty('userId');
  });

  it('takes calls from before the script was there', async () => {
    const stub = 'window.penstock=window.penstock||function(){(penstock.q=penstock.q||[]).push(arguments)}';
    await site.visit(
      `<script>${stub};penstock('identify','user-2');penstock('sign_up',{method:'mail'})</script>${site.scriptTag()}`,
    );
    await expect.poll(() => site.events().length, patience).toBe(2);
    expect(site.events().map(({ type, userId }) => [type, userId])).toEqual([
      ['sign_up', 'user-2'],
      ['page_view', 'user-2'],
    ]);
  });

  it('is a function with a method for each command, and they do the same', async () => {
    const { page } = await site.visit(site.scriptTag('data-views="manual"'));
    await page.waitForFunction(() => window.penstock);
    await page.evaluate(() => {
      window.penstock.identify(7);
      window.penstock.track('sign_up', { method: 'mail' });
      window.penstock.page({ path: '/step-2', title: 'Step 2' });
      window.penstock.identify(null);
      window.penstock('track', 'identify');
    });
    await expect.poll(() => site.events().length, patience).toBe(3);
    expect(site.events()).toMatchObject([
      { type: 'sign_up', userId: '7', properties: { method: 'mail' } },
      { type: 'page_view', userId: '7', page: { url: `${site.url}/`, path: '/step-2', title: 'Step 2' } },
      { type: 'identify' },
    ]);
    expect(site.events()[2]).not.toHaveProperty('userId');
  });

  it('reset() makes the next to come another visitor', async () => {
    const { page } = await site.visit(site.scriptTag());
    await expect.poll(() => site.events().length, patience).toBe(1);
    await say(page, 'identify', 'user-1');
    await say(page, 'reset');
    await say(page, 'after');
    await expect.poll(() => site.eventsOf('after').length, patience).toBe(1);
    const [before, after] = site.events() as [SentEvent, SentEvent];
    expect(after.anonymousId).not.toBe(before.anonymousId);
    expect(after.sessionId).not.toBe(before.sessionId);
    expect(after).not.toHaveProperty('userId');
  });

  it('init() starts a script that has no key of its own, once, with the options that it is given', async () => {
    const { page } = await site.visit(`<script src="${site.collectorUrl}/penstock.js"></script>`);
    await say(page, 'early');
    await page.evaluate(() => window.penstock.init({ key: 'first', views: 'manual' }));
    await page.evaluate(() => window.penstock.init({ key: 'second' }));
    await expect.poll(() => site.events().length, patience).toBe(1);
    expect(site.state.posted[0]?.url).toBe('/v1/events?writeKey=first');
    expect(site.events()[0]?.type).toBe('early');
  });

  it('names of an object’s own are types of events like any other', async () => {
    const { page, problems } = await site.visit(site.scriptTag('data-views="manual"'));
    for (const name of ['constructor', 'toString', '__proto__']) await say(page, name);
    await expect
      .poll(() => site.events().map(({ type }) => type), patience)
      .toEqual(['constructor', 'toString', '__proto__']);
    expect(problems).toEqual([]);
  });

  it('never throws into the page, and what cannot be sent costs no other event', async () => {
    const { page, problems } = await site.visit(site.scriptTag() + site.scriptTag());
    await expect.poll(() => site.events().length, patience).toBe(1);
    await page.evaluate(() => {
      const penstock = window.penstock as unknown as (...args: unknown[]) => void;
      const circle: Record<string, unknown> = {};
      circle['self'] = circle;
      penstock('circle', circle);
      penstock('big', { value: 1n });
      penstock();
      penstock('purchase', null);
    });
    await expect.poll(() => site.eventsOf('purchase').length, patience).toBe(1);
    expect(site.eventsOf('circle')).toEqual([]);
    expect(problems).toEqual([]);
  });
});
