import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Answer, createQueue, REQUEST_TIMEOUT_MS } from '../../../src/tracker/browser/queue.js';
import { createStorage, type WebStorage } from '../../../src/tracker/browser/storage.js';
import { createWebStorage } from './web-storage.js';

beforeEach(() => {
  vi.useFakeTimers({ now: Date.UTC(2026, 0, 1), toFake: ['Date', 'setTimeout', 'clearTimeout'] });
  let calls = 0;
  // Never twice the same, and nearly as late as a pause can end.
  vi.spyOn(Math, 'random').mockImplementation(() => 0.999 + ++calls / 1e9);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});
const advance = (ms: number) => vi.advanceTimersByTimeAsync(ms);

interface Page {
  /** The ids of the events of each request. */
  readonly posted: number[][];
  readonly queue: ReturnType<typeof createQueue>;
  isAllowed: boolean;
  /** Crashes: nobody is told. */
  vanish(): void;
  add(from: number, to?: number, more?: object): void;
  /** Answers the oldest request that waits for it. */
  answer(code?: number, more?: Omit<Answer, 'code'>): Promise<void>;
}

/** A browser in which pages of one site are open at once, or one after the other. */
function createBrowser(web: WebStorage | false = createWebStorage()) {
  let last: Promise<void> = Promise.resolve();
  const open = (keyPrefix = '_penstock/key/'): Page => {
    const waiting: ((answer: Answer) => void)[] = [];
    const posted: number[][] = [];
    let vanish = () => {};
    const gone = new Promise<void>((resolve) => {
      vanish = resolve;
    });
    const page: Page = {
      posted,
      vanish() {
        page.isAllowed = false;
        vanish();
      },
      isAllowed: true,
      queue: createQueue({
        store: createStorage(() => web),
        keyPrefix: () => keyPrefix,
        maySend: () => page.isAllowed,
        post: (events) => {
          posted.push(events.map((event) => (JSON.parse(event) as { id: number }).id));
          return new Promise((resolve) => waiting.push(resolve));
        },
        exclusively(task) {
          last = last.then(() => Promise.race([task(), gone]));
          return last;
        },
      }),
      add(from: number, to = from, more: object = {}) {
        for (let id = from; id <= to; id++) page.queue.enqueue(JSON.stringify({ id, ...more }));
      },
      async answer(code?: number, more: Omit<Answer, 'code'> = {}) {
        waiting.shift()?.(code === undefined ? {} : { code, ...more });
        await advance(0);
      },
    };
    return page;
  };
  return { web, open };
}
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);
const kept = (web: WebStorage | false) => Object.keys(web).filter((key) => key.startsWith('_penstock/'));

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
