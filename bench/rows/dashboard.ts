import type { Browser } from 'playwright-core';
import { delay, systemClock } from '../../src/shared/clock.js';
import { launchWholeChromium } from '../../test/helpers/chromium.js';
import { EVENTS_PATH, headers } from '../lib/bodies.js';
import { createParts } from '../lib/parts.js';
import type { Bench } from '../lib/report.js';
import { startLive } from '../lib/system.js';

const OPENINGS = 10;
/** How long each page is looked at while its figures change. */
const LOOK_MS = 600;
const POST_EVERY_MS = 100;
const BATCH = 20;
const VISITORS = 500;
const PATHS = 40;
const PAINT_AIM_MS = 1000;

/** The page in a real browser with nothing in its cache, while its figures change: its first paint, and what moves on it. */
export const dashboard: Bench = async (context) => {
  const { report, note } = context;
  const parts = createParts(context);
  const over = new AbortController();
  let browser: Browser | undefined;
  try {
    const { gateway, admin, visitors } = await startLive(parts);
    const posting = postUntil(over.signal, gateway);
    // Whoever waits for it hears of its failure; until then nobody does.
    posting.catch(() => {});
    while ((await visitors()) === 0) await delay(systemClock, POST_EVERY_MS);
    browser = await launchWholeChromium();
    note(`the dashboard, opened ${OPENINGS + 1} times`);
    // The first page of a browser waits for the browser.
    await open(browser, admin);
    const opened: Opened[] = [];
    while (opened.length < OPENINGS) opened.push(await open(browser, admin));
    over.abort();
    await posting;
    const paints = opened.map(({ paintMs }) => paintMs).sort((a, b) => a - b);
    const at = (part: number) => paints[Math.ceil(part * OPENINGS) - 1] ?? Number.NaN;
    const shift = Math.max(...opened.map((each) => each.shift));
    report({
      row: 'dashboard, first contentful paint, p95',
      value: at(0.95),
      unit: 'ms',
      p50Ms: at(0.5),
      aim: { text: '< 1 s', met: at(0.95) < PAINT_AIM_MS },
    });
    report({
      row: 'dashboard, layout shift while its figures change, the most of any',
      value: shift * 1000,
      unit: 'thousandths of CLS',
      aim: { text: '0', met: shift === 0 },
    });
  } finally {
    over.abort();
    await browser?.close();
    await parts.stop();
  }
};

/** A little traffic, so that no figure stands still. */
async function postUntil(signal: AbortSignal, gateway: string): Promise<void> {
  for (let sent = 0; !signal.aborted; sent += BATCH) {
    const events = Array.from({ length: BATCH }, (_, index) => ({
      type: 'page_view',
      anonymousId: `visitor-${(sent + index * 7) % VISITORS}`,
      page: { path: `/page-${(sent + index * 3) % PATHS}` },
    }));
    await fetch(`${gateway}${EVENTS_PATH}`, { method: 'POST', headers, body: JSON.stringify(events) });
    await delay(systemClock, POST_EVERY_MS);
  }
}

interface Opened {
  readonly paintMs: number;
  readonly shift: number;
}

const OBSERVE = `
  window.shift = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.shift += entry.value;
  }).observe({ type: 'layout-shift', buffered: true });
`;
const READ = `({
  paintMs: performance.getEntriesByName('first-contentful-paint')[0].startTime,
  shift: window.shift,
})`;

async function open(browser: Browser, url: string): Promise<Opened> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  try {
    const page = await context.newPage();
    await page.addInitScript(OBSERVE);
    await page.goto(url);
    await page.locator('#pages .bar').first().waitFor();
    await delay(systemClock, LOOK_MS);
    return await page.evaluate<Opened>(READ);
  } finally {
    await context.close();
  }
}
