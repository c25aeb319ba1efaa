import { describe, expect, it, vi } from 'vitest';
import { advance, createBrowser, kept, range, useVirtualTime } from './queue-rig.js';
import { createWebStorage } from './web-storage.js';

useVirtualTime();

describe('the queue', () => {
  it('waits a second for company, then sends what is there in one request', async () => {
    const page = createBrowser().open();
    page.add(1, 3);
    await advance(999);
    expect(page.posted).toEqual([]);
    await advance(1);
    expect(page.posted).toEqual([[1, 2, 3]]);
  });

  it('does not wait once 20 events are there, and sends 20 at the most', async () => {
    const page = createBrowser().open();
    page.add(1, 45);
    await advance(0);
    expect(page.posted).toEqual([range(1, 20)]);
    await page.answer(200);
    expect(page.posted.at(-1)).toEqual(range(21, 40));
    await page.answer(200);
    await advance(1_000);
    expect(page.posted.at(-1)).toEqual(range(41, 45));
  });

  it('keeps a request under the size that may outlive the page, and sends an event that is larger alone', async () => {
    const page = createBrowser().open();
    page.add(1, 3, { text: 'x'.repeat(3_900) });
    page.add(4, 4, { text: 'x'.repeat(30_000) });
    await advance(1_000);
    for (let turn = 0; turn < 3; turn++) {
      await page.answer(200);
      await advance(1_000);
    }
    expect(page.posted).toEqual([[1, 2], [3], [4]]);
  });

  it.each([undefined, 408, 429, 500, 503])('sends the same events again after %s', async (code) => {
    const { open, web } = createBrowser();
    const page = open();
    page.add(1, 2);
    await advance(1_000);
    await page.answer(code);
    await advance(1_000);
    expect(page.posted).toEqual([
      [1, 2],
      [1, 2],
    ]);
    await page.answer(200);
    await advance(3_600_000);
    expect([page.posted.length, kept(web)]).toEqual([2, []]);
  });

  it.each([200, 202, 400, 401, 413])('takes status %i as final', async (code) => {
    const { open, web } = createBrowser();
    const page = open();
    page.add(1, 2);
    await advance(1_000);
    await page.answer(code);
    await advance(3_600_000);
    expect([page.posted.length, kept(web)]).toEqual([1, []]);
  });

  it('comes back when the server said so', async () => {
    const page = createBrowser().open();
    page.add(1);
    await advance(1_000);
    await page.answer(503, { retryAfter: '7' });
    page.add(2, 30);
    await advance(6_999);
    expect(page.posted).toHaveLength(1);
    await advance(1);
    expect(page.posted).toHaveLength(2);
  });

  it('sends again single events that could not be taken yet, before newer ones, and no others', async () => {
    const page = createBrowser().open();
    page.add(1, 4);
    await advance(1_000);
    page.add(5);
    const outcomes = [{}, { retryable: true }, { retryable: false }, { retryable: true }];
    await page.answer(200, { outcomes, retryAfter: '3' });
    await advance(2_999);
    expect(page.posted).toHaveLength(1);
    await advance(1);
    expect(page.posted).toEqual([
      [1, 2, 3, 4],
      [2, 4, 5],
    ]);
  });

  it('backs off further after each failure, up to ten minutes, and new events do not hurry it', async () => {
    const page = createBrowser().open();
    page.add(1);
    await advance(1_000);
    for (const seconds of [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]) {
      const before = page.posted.length;
      await page.answer();
      page.add(2, 40);
      await advance(seconds * 998);
      expect(page.posted).toHaveLength(before);
      await advance(seconds * 2);
      expect(page.posted).toHaveLength(before + 1);
    }
  });

  it('is patient again from the start after a success, and when the network is back it does not wait', async () => {
    const page = createBrowser().open();
    page.add(1);
    await advance(1_000);
    for (const pauseMs of [1_000, 2_000, 4_000]) {
      await page.answer();
      await advance(pauseMs);
    }
    await page.answer();
    page.queue.retry();
    await advance(1_000);
    expect(page.posted).toHaveLength(5);
    await page.answer(200);
    page.add(2);
    await advance(1_000);
    await page.answer(503);
    await advance(1_000);
    expect(page.posted).toHaveLength(7);
  });

  it('keeps the order though the clock is set back', async () => {
    const page = createBrowser().open();
    page.add(1);
    vi.setSystemTime(Date.now() - 86_400_000);
    page.add(2);
    await advance(1_000);
    expect(page.posted).toEqual([[1, 2]]);
  });

  it.each([
    ['1000 events', {}, range(201, 1_200)],
    ['500,000 characters', { text: 'x'.repeat(9_970) }, range(1_151, 1_200)],
  ])('holds %s at the most and lets the oldest go', async (_, more, left) => {
    const page = createBrowser().open();
    page.isAllowed = false;
    page.add(1, 1_200, more);
    page.isAllowed = true;
    page.queue.wake();
    for (let turn = 0; turn < 60; turn++) {
      await advance(1_000);
      await page.answer(200);
    }
    expect(page.posted.flat()).toEqual(left);
  });

  it('goes on in memory where nothing can be stored', async () => {
    for (const web of [false as const, createWebStorage(1)]) {
      const page = createBrowser(web).open();
      page.add(1, 3);
      await advance(1_000);
      await page.answer(503);
      await advance(1_000);
      await page.answer(200);
      expect(page.posted).toEqual([
        [1, 2, 3],
        [1, 2, 3],
      ]);
    }
  });

  it('sends nothing that the visitor does not want sent, and forgets it when told to', async () => {
    const { open, web } = createBrowser();
    const page = open();
    page.isAllowed = false;
    page.add(1, 30);
    page.queue.leave();
    await advance(3_600_000);
    page.queue.wipe();
    page.isAllowed = true;
    page.queue.wake();
    await advance(3_600_000);
    expect([page.posted, kept(web)]).toEqual([[], []]);
  });
});
