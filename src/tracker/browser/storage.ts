/** What survives a page: `localStorage`, or this page's memory where the browser denies storage. */
export interface Storage {
  get(key: string): string | null;
  /** A `null` value removes the key. */
  set(key: string, value: string | null): void;
}

type WebStorage = Pick<globalThis.Storage, 'getItem' | 'setItem' | 'removeItem'>;

/**
 * Reading `localStorage` throws where storage is blocked or the frame is sandboxed, and writing throws when the quota
 * is used up. Then the values live as long as the page.
 */
export function createStorage(open: () => WebStorage): Storage {
  const memory: Record<string, string | null> = {};
  return {
    get(key) {
      try {
        return key in memory ? (memory[key] ?? null) : open().getItem(key);
      } catch {
        return null;
      }
    },
    set(key, value) {
      try {
        if (value === null) open().removeItem(key);
        else open().setItem(key, value);
        delete memory[key];
      } catch {
        memory[key] = value;
      }
    },
  };
}
