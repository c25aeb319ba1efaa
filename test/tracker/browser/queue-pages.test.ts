import { describe, expect, it, vi } from 'vitest';
import { REQUEST_TIMEOUT_MS } from '../../../src/tracker/browser/queue.js';
import { advance, createBrowser, kept, range, useVirtualTime } from './queue-rig.js';

useVirtualTime();

describe('pages of one site', () => {
  it('the next one sends what one left that is gone, before its own', async () => {
    const { open } = createBrowser();
    const gone = open();
    gone.isAllowed = false;
    gone.add(1, 2);
    await advance(2);
    const next = open();
    next.queue.wake();
    next.add(3);
    await advance(1_000);
    expect(next.posted).toEqual([[1, 2, 3]]);
  });

  it('send one at a time, and what one sends no other sends', async () => {
    const { open } = createBrowser();
    const pages = [open(), open(), open()];
    pages[0]?.add(1);
    pages[1]?.add(2);
    pages[2]?.add(3);
    await advance(1_000);
    expect(pages.flatMap(({ posted }) => posted)).toHaveLength(1);
    for (const page of pages) await page.answer(200);
    await advance(10_000);
    expect(
      pages
        .flatMap(({ posted }) => posted)
        .flat()
        .sort(),
    ).toEqual([1, 2, 3]);
  });

  it('are all as patient as the collector has asked one of them to be, those to come too', async () => {
    const { open } = createBrowser();
    const [one, other] = [open(), open()];
    one.add(1);
    await advance(1_000);
    await one.answer(429, { retryAfter: '60' });
    other.add(2);
    await advance(30_000);
    const next = open();
    next.queue.wake();
    next.add(3, 30);
    await advance(29_999);
    expect([one, other, next].flatMap(({ posted }) => posted)).toEqual([[1]]);
    await advance(1);
    expect([one, other, next].flatMap(({ posted }) => posted)).toEqual([[1], range(1, 20)]);
  });

  it('do not wait for a time that was said before the clock was set back', async () => {
    const { open } = createBrowser();
    const page = open();
    page.add(1);
    await advance(1_000);
    await page.answer(503, { retryAfter: '60' });
    vi.setSystemTime(Date.now() - 86_400_000);
    const next = open();
    next.add(2);
    await advance(1_000);
    expect(next.posted.flat().sort()).toEqual([1, 2]);
  });

  it('send what a page had under way that vanished, once nobody can be waiting for the answer', async () => {
    const { open } = createBrowser();
    const page = open();
    page.add(1);
    await advance(1_000);
    page.vanish();
    const next = open();
    next.add(2);
    await advance(REQUEST_TIMEOUT_MS - 1);
    expect(next.posted).toEqual([]);
    await advance(1);
    expect(next.posted).toEqual([[1, 2]]);
  });

  it('leave alone the events of other write keys', async () => {
    const { open } = createBrowser();
    const [one, other] = [open('_penstock/a/'), open('_penstock/ab/')];
    one.add(1);
    other.add(2);
    await advance(1_000);
    await one.answer(200);
    await advance(3_000);
    expect([one.posted, other.posted]).toEqual([[[1]], [[2]]]);
  });
});

describe('leaving the page', () => {
  it('sends what waits at once, and the next page does not send it again', async () => {
    const { open, web } = createBrowser();
    const page = open();
    page.add(1, 5);
    page.queue.leave();
    expect([page.posted, kept(web)]).toEqual([[[1, 2, 3, 4, 5]], []]);
  });

  it('leaves alone what a request under way carries, and remembers it if that fails on a page that lives on', async () => {
    const { open, web } = createBrowser();
    const page = open();
    page.add(1, 20);
    await advance(0);
    page.add(21, 22);
    page.queue.leave();
    expect([page.posted, kept(web)]).toEqual([[range(1, 20), [21, 22]], []]);
    await page.answer(503);
    expect(kept(web)).toHaveLength(20);
    await page.answer(200);
    await advance(1_000);
    expect(page.posted.at(-1)).toEqual(range(1, 20));
  });

  it('leaves what is more than may outlive the page to the next one', async () => {
    const { open } = createBrowser();
    const page = open();
    page.add(1, 3, { text: 'x'.repeat(3_900) });
    page.queue.leave();
    expect(page.posted).toEqual([[1, 2]]);
    page.isAllowed = false;
    const next = open();
    next.queue.wake();
    await advance(1_000);
    expect(next.posted).toEqual([[3]]);
  });

  it('leaves to another page what that is sending, and all else that waits', async () => {
    const { open } = createBrowser();
    const [page, other] = [open(), open()];
    page.add(1);
    await advance(1_000);
    other.add(2);
    other.queue.leave();
    expect(other.posted).toEqual([]);
    await page.answer(200);
    await advance(1_000);
    expect(page.posted).toEqual([[1], [2]]);
  });

  it('keeps what an earlier page could not send, before it has tried itself and in the middle of that', async () => {
    const { open, web } = createBrowser();
    const page = open();
    page.add(1);
    await advance(1_000);
    await page.answer(503, { retryAfter: '3' });
    page.vanish();
    const next = open();
    next.add(2);
    next.queue.leave();
    expect([next.posted, kept(web).length]).toEqual([[], 2]);
    await advance(3_000);
    next.queue.leave();
    expect([next.posted, kept(web).length]).toEqual([[[1, 2]], 2]);
  });

  it('hands over no more than fits beside the request under way: 64 KiB together, in any script', async () => {
    const page = createBrowser().open();
    page.add(1, 40, { text: '\u6f22'.repeat(900) });
    await advance(0);
    page.queue.leave();
    expect(page.posted).toHaveLength(2);
    expect(page.posted.flat().length * 3 * 900).toBeLessThan(48_000);
  });

  it('keeps everything for the next page while requests fail', async () => {
    const { open, web } = createBrowser();
    const page = open();
    page.add(1);
    await advance(1_000);
    await page.answer();
    page.add(2);
    page.queue.leave();
    expect([page.posted, kept(web).length]).toEqual([[[1]], 2]);
  });

  it('sends again what failed when the page was only hidden', async () => {
    const page = createBrowser().open();
    page.add(1);
    page.queue.leave();
    await page.answer(429, { retryAfter: '5' });
    await advance(5_000);
    expect(page.posted).toEqual([[1], [1]]);
  });
});
