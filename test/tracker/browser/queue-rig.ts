import { afterEach, beforeEach, vi } from 'vitest';
import { type Answer, createQueue } from '../../../src/tracker/browser/queue.js';
import { createStorage, type WebStorage } from '../../../src/tracker/browser/storage.js';
import { createWebStorage } from './web-storage.js';

/** Virtual time for the tests of a file. */
export function useVirtualTime(): void {
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
}
export const advance = (ms: number) => vi.advanceTimersByTimeAsync(ms);

export interface Page {
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
export function createBrowser(web: WebStorage | false = createWebStorage()) {
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
export const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);
export const kept = (web: WebStorage | false) => Object.keys(web).filter((key) => key.startsWith('_penstock/'));
