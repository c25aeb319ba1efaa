import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openSite, type Site, say } from './site.js';

const patience = { timeout: 120_000 };

let site: Site;
beforeAll(async () => {
  site = await openSite();
});
afterAll(() => site.close());
afterEach(() => site.clear());

const views = () =>
  site.eventsOf('page_view').map(({ page }) => [page['path'], page['referrer']?.replace(site.url, '')]);

describe('a single-page application', () => {
  /** What a router does: the address first, and the title when the new page is there. */
  const route = (method: 'pushState' | 'replaceState', path: string) =>
    `history.${method}({}, '', '${path}'); setTimeout(() => { document.title = 'Page ${path}' });`;

  it('has a page view for each new path, with the page before as referrer and its own title', async () => {
    const { page, problems } = await site.visit(site.scriptTag(), '/a');
    await expect.poll(views, patience).toEqual([['/a', '']]);
    await page.evaluate(route('pushState', '/b?x=1'));
    await expect.poll(() => views().length, patience).toBe(2);
    await page.evaluate(route('replaceState', '/c'));
    await expect.poll(() => views().length, patience).toBe(3);
    await page.goBack();
    await expect.poll(views, patience).toEqual([
      ['/a', ''],
      ['/b', '/a'],
      ['/c', '/b?x=1'],
      ['/a', '/c'],
    ]);
    expect(site.eventsOf('page_view').map((event) => event.page['title'])).toEqual([
      'Shop',
      'Page /b?x=1',
      'Page /c',
      'Page /c',
    ]);
    expect(problems).toEqual([]);
  });

  it('has one for each path that it goes to through the Navigation API', async () => {
    const { page } = await site.visit(site.scriptTag(), '/a');
    await expect.poll(() => site.events().length, patience).toBe(1);
    await page.evaluate(async () => {
      interface Navigating extends Event {
        intercept(options: { handler(): Promise<void> }): void;
      }
      const { navigation } = window as unknown as {
        navigation: EventTarget & { navigate(path: string): { finished: Promise<unknown> } };
      };
      const show = async () => {
        document.title = location.pathname;
      };
      navigation.addEventListener('navigate', (event) => (event as Navigating).intercept({ handler: show }));
      await navigation.navigate('/b').finished;
    });
    await expect.poll(() => site.events().length, patience).toBe(2);
    expect(site.events()[1]).toMatchObject({
      type: 'page_view',
      page: { path: '/b', title: '/b', referrer: `${site.url}/a` },
    });
  });

  it('has one for a redirect, and none for a query, a place in the page, or the same address', async () => {
    const { page } = await site.visit(site.scriptTag(), '/a?utm_source=mail');
    await expect.poll(() => views().length, patience).toBe(1);
    await page.evaluate(() => history.replaceState({}, '', '/a'));
    await page.evaluate(() => history.pushState({}, '', '/a?sort=price'));
    await page.evaluate(() => history.pushState({}, '', '/a?sort=price'));
    await page.evaluate(() => location.assign('#reviews'));
    await page.evaluate(() => {
      history.pushState({}, '', '/account');
      history.replaceState({}, '', '/login');
    });
    await say(page, 'last');
    await expect.poll(() => site.eventsOf('last').length, patience).toBe(1);
    await expect.poll(views, patience).toEqual([
      ['/a', ''],
      // Whether the tracker saw the addresses in between one by one depends on how fast they followed each other.
      ['/login', expect.stringMatching(/^\/a(\?|$)/)],
    ]);
  });

  it('may keep its paths in the fragment', async () => {
    const { page } = await site.visit(site.scriptTag(), '/app#/cart');
    await expect.poll(() => views().length, patience).toBe(1);
    await page.evaluate(() => location.assign('#/checkout'));
    await expect.poll(() => views().length, patience).toBe(2);
    await page.evaluate(() => location.assign('#!/done'));
    await expect.poll(views, patience).toEqual([
      ['/app#/cart', ''],
      ['/app#/checkout', '/app#/cart'],
      ['/app#!/done', '/app#/checkout'],
    ]);
  });

  it('that is closed just after it moved has its view all the same', async () => {
    const { page } = await site.visit(site.scriptTag(), '/a');
    await expect.poll(() => views().length, patience).toBe(1);
    await page.evaluate(() => {
      history.pushState({}, '', '/b');
      location.assign('about:blank');
    });
    await expect.poll(views, patience).toEqual([
      ['/a', ''],
      ['/b', '/a'],
    ]);
  });

  it('that views its pages by itself has no others', async () => {
    const { page } = await site.visit(site.scriptTag('data-views="manual"'), '/a');
    await say(page, 'page');
    await page.evaluate(() => history.pushState({}, '', '/b'));
    await expect.poll(() => views().length, patience).toBe(1);
    await page.waitForFunction(() => location.pathname === '/b');
    await say(page, 'page', { path: '/step-2' });
    await expect.poll(views, patience).toEqual([
      ['/a', ''],
      ['/step-2', expect.any(String)],
    ]);
  });
});

describe('a page that is rendered ahead of time', () => {
  it('is seen when somebody looks at it', async () => {
    const { page } = await site.visit(
      `<script>
        Object.defineProperty(document, 'prerendering', { value: true, configurable: true });
      </script>${site.scriptTag()}`,
    );
    await say(page, 'early');
    expect(site.events()).toEqual([]);
    await page.evaluate(() => {
      Object.defineProperty(document, 'prerendering', { value: false });
      document.dispatchEvent(new Event('prerenderingchange'));
    });
    await expect.poll(() => site.events().map(({ type }) => type), patience).toEqual(['early', 'page_view']);
  });
});

describe('scrolling', () => {
  const long = '<div style="height: 10000px"></div>';
  const depths = () => site.eventsOf('scroll').map(({ properties }) => properties['percent_scrolled']);
  /** Scrolls until so much of the page has been seen; a browser tells of it with its next frame. */
  const scrollTo = (share: number) => `
    scrollTo(0, document.documentElement.scrollHeight * ${share} - innerHeight);
    new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))`;

  it('is told at each quarter of a page, once, and anew on the next page', async () => {
    const { page } = await site.visit(long + site.scriptTag('data-scroll="25"'), '/a');
    await expect.poll(() => views().length, patience).toBe(1);
    for (const share of [0.55, 0.1, 0.6, 1, 0.1]) await page.evaluate(scrollTo(share));
    await expect.poll(depths, patience).toEqual([25, 50, 75, 100]);
    await page.evaluate(() => history.pushState({}, '', '/b'));
    await expect.poll(() => views().length, patience).toBe(2);
    await page.evaluate(scrollTo(0.3));
    await expect.poll(depths, patience).toEqual([25, 50, 75, 100, 25]);
    expect(site.eventsOf('scroll').map((event) => event.page['path'])).toEqual(['/a', '/a', '/a', '/a', '/b']);
  });

  it('is told at 90 per cent where that is asked for, and not at all where nothing is', async () => {
    for (const attributes of ['data-scroll="90"', 'data-scroll="0"', '']) {
      const { page } = await site.visit(long + site.scriptTag(attributes));
      await page.waitForFunction(() => window.penstock);
      for (const share of [0.5, 1]) await page.evaluate(scrollTo(share));
      await say(page, 'done');
    }
    await expect.poll(() => site.eventsOf('done').length, patience).toBe(3);
    expect(depths()).toEqual([90]);
  });

  it('of a box in the page is not that of the page', async () => {
    const box = '<div id="box" style="height: 100px; overflow: auto"><div style="height: 900px"></div></div>';
    const { page } = await site.visit(box + site.scriptTag('data-scroll="25"'));
    await page.waitForFunction(() => window.penstock);
    await page.evaluate(() => {
      document.getElementById('box')?.scrollTo(0, 500);
      return new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    });
    await say(page, 'done');
    await expect.poll(() => site.eventsOf('done').length, patience).toBe(1);
    expect(depths()).toEqual([]);
  });
});

describe('links', () => {
  const links = `
    <a id="in" href="#here">In</a>
    <a id="out" href="https://other.example/x" onclick="event.preventDefault()">Out</a>
    <button id="named" data-penstock-event="vote">Vote</button>`;

  it.each([
    ['data-links="outbound"', ['https://other.example/x']],
    ['data-links="none"', []],
    ['data-links="all"', ['#here', 'https://other.example/x']],
  ])('with %s are told as the site wants; what is named is told always', async (attributes, urls) => {
    const { page } = await site.visit(links + site.scriptTag(attributes));
    await page.waitForFunction(() => window.penstock);
    for (const id of ['in', 'out', 'named']) await page.click(`#${id}`);
    await expect.poll(() => site.eventsOf('vote').length, patience).toBe(1);
    expect(
      site.eventsOf('click').map(({ properties }) => String(properties['link_url']).replace(`${site.url}/`, '')),
    ).toEqual(urls);
  });
});
