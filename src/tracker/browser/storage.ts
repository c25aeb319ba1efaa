import { guarded } from './guarded.js';

export type Entry = readonly [key: string, value: string];

/** What survives a page where it may: `localStorage` or cookies, else this page's memory. */
export interface Storage {
  /** What is under keys that begin with `prefix`, sorted by them. */
  list(prefix: string): Entry[];
  read(key: string): string | null | undefined;
  /** Without a value removes the key. Cookies live for `maxAgeMs`. */
  write(key: string, value?: string | false | 0, maxAgeMs?: number): void;
}

export interface WebStorage {
  getItem(key: string): string | null | undefined;
  setItem(key: string, value: string, maxAgeMs?: number): void;
  removeItem(key: string): void;
}

/**
 * Reading `localStorage` throws where storage is blocked or the frame is sandboxed, and writing throws when the quota
 * is used up. Then, and as long as `open` gives nothing, the values live as long as the page.
 */
export function createStorage(open: () => WebStorage | false): Storage {
  const memory: Record<string, string> = {};
  const read = guarded((key: string) => memory[key] ?? (open() as WebStorage).getItem(key));
  return {
    list(prefix) {
      const keys = [];
      // Without the values: what the site itself keeps there may be megabytes. Of what is in both each key is told once.
      for (const key in { ...memory, __proto__: guarded(open)() }) if (key.startsWith(prefix)) keys.push(key);
      return keys.sort().map((key) => [key, read(key) as string]);
    },
    read,
    write(key, value, maxAgeMs) {
      delete memory[key];
      try {
        // Without a storage there is nothing to call, which throws as well.
        if (value) (open() as WebStorage).setItem(key, value, maxAgeMs);
        else (open() as WebStorage).removeItem(key);
      } catch {
        if (value) memory[key] = value;
      }
    },
  };
}

/** Fields that are stored as the text of a query, which a cookie can hold as well. Nothing is wrong for it. */
export const fieldsOf = (text: string | null | undefined): Partial<Record<string, string>> =>
  Object.fromEntries(new URLSearchParams(text ?? ''));
