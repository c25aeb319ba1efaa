import { sessionStateKey } from '../../store/session-keys.js';
import type { Store } from '../../store/types.js';

/** When it was set, before the bytes of the state. */
const HEAD_BYTES = 8;

export const stateSetAtMs = (row: Buffer): number => row.readDoubleBE(0);

/** What receivers keep with a session, for the next ones to go on from; undefined when nothing. */
export async function readSessionState(store: Store, id: number, sessionId: string): Promise<Buffer | undefined> {
  return (await store.get(sessionStateKey(id, sessionId)))?.subarray(HEAD_BYTES);
}

/** Keeps a state, or without one forgets it; resolves when that is durable. */
export function writeSessionState(
  { store, id, nowMs }: { store: Store; id: number; nowMs: number },
  sessionId: string,
  state: Buffer | undefined,
): Promise<void> {
  const key = sessionStateKey(id, sessionId);
  if (state === undefined) return store.commit([{ key }]);
  const head = Buffer.allocUnsafe(HEAD_BYTES);
  head.writeDoubleBE(nowMs, 0);
  return store.commit([{ key, value: Buffer.concat([head, state]) }]);
}
