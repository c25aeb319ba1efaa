import {
  decodeDelivered,
  sessionDeliveredKey,
  sessionIdOfKey,
  sessionMessageKey,
  sessionRange,
} from '../../store/session-keys.js';
import type { Store, Write } from '../../store/types.js';

const PAGE_ROWS = 256;

/**
 * Below which number the messages of sessions were delivered that were held when an earlier life ended. Rows whose messages
 * are all gone are removed.
 */
export async function readDelivered(store: Store, id: number): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  const stale: Write[] = [];
  let after: string | undefined;
  for (;;) {
    const rows = await store.range({ ...sessionRange('delivered', id, after), limit: PAGE_ROWS });
    for (const { key, value } of rows) {
      after = sessionIdOfKey(key);
      const below = decodeDelivered(value);
      const [from, to] = [sessionMessageKey('message', id, after, 0), sessionMessageKey('message', id, after, below)];
      const [first] = await store.range({ from, to, limit: 1 });
      if (first === undefined) stale.push({ key: sessionDeliveredKey(id, after) });
      else found.set(after, below);
    }
    if (rows.length < PAGE_ROWS) break;
  }
  if (stale.length > 0) await store.commit(stale);
  return found;
}
