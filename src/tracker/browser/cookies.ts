import type { WebStorage } from './storage.js';

/** First-party cookies as a storage (RFC 6265), of values that need no quoting; `attributes` are those of each. */
export function createCookies(page: { cookie: string }, attributes: string): WebStorage {
  const getItem = (key: string) => page.cookie.match(`(?:^|; )${key}=([^;]*)`)?.[1];
  const setItem = (key: string, value: string, maxAgeMs = 0) => {
    page.cookie = `${key}=${value};max-age=${Math.round(maxAgeMs / 1000)};path=/;samesite=lax${attributes}`;
    // A browser that takes no cookies says nothing.
    if (getItem(key) !== value) throw key;
  };
  return { getItem, setItem, removeItem: (key) => setItem(key, '') };
}
