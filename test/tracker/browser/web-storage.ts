import type { WebStorage } from '../../../src/tracker/browser/storage.js';

/** As a browser's storage is: keys are enumerable properties of it, methods are not; beyond its quota writing throws. */
export function createWebStorage(quotaKeys = Number.POSITIVE_INFINITY): WebStorage & Record<string, unknown> {
  const values: Record<string, string> = Object.create({
    getItem: (key: string) => (Object.hasOwn(values, key) ? values[key] : null),
    setItem(key: string, value: string) {
      if (!Object.hasOwn(values, key) && Object.keys(values).length >= quotaKeys) throw new Error('QuotaExceededError');
      values[key] = value;
    },
    removeItem: (key: string) => void delete values[key],
  });
  for (const method of ['getItem', 'setItem', 'removeItem']) {
    Object.defineProperty(Object.getPrototypeOf(values), method, { enumerable: false });
  }
  return values as unknown as WebStorage & Record<string, unknown>;
}
