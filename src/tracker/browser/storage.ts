/** What survives a page where it may: `localStorage` or cookies, else this page's memory. */
export interface Storage {
  /** The keys that begin with `prefix`, sorted. */
  list(prefix: string): string[];
  read(key: string): string | null;
  /** A `null` value removes the key. Cookies live for `maxAgeMs`. */
  write(key: string, value: string | null, maxAgeMs?: number): void;
}

export interface WebStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string, maxAgeMs?: number): void;
  removeItem(key: string): void;
}

/**
 * Reading `localStorage` throws where storage is blocked or the frame is sandboxed, and writing throws when the quota
 * is used up. Then, and as long as `open` gives nothing, the values live as long as the page.
 */
export function createStorage(open: () => WebStorage | false): Storage {
  const memory: Record<string, string> = {};
  return {
    list(prefix) {
      const keys = new Set(Object.keys(memory));
      try {
        for (const key in open() as WebStorage) keys.add(key);
      } catch {
        // Those in memory, then.
      }
      return [...keys].filter((key) => key.startsWith(prefix)).sort();
    },
    read(key) {
      try {
        return memory[key] ?? (open() as WebStorage).getItem(key);
      } catch {
        return null;
      }
    },
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
export const fieldsOf = (text: string | null): Partial<Record<string, string>> =>
  Object.fromEntries(new URLSearchParams(text ?? ''));
