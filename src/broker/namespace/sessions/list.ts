import {
  decodeSessionRow,
  type SessionKind,
  sessionIdOfKey,
  sessionMessageKey,
  sessionRange,
} from '../../store/session-keys.js';
import type { Store } from '../../store/types.js';
import { stateSetAtMs } from './state.js';

export interface SessionListing {
  /** Only sessions that got a message or a state since; undefined for all that have messages. */
  readonly updatedSinceMs: number | undefined;
  readonly skip: number;
  readonly top: number;
}

type ListedKind = Exclude<SessionKind, 'delivered'>;

interface Listed {
  readonly sessionId: string;
  readonly updatedAtMs: number;
}

const PAGE_ROWS = 64;
/** A state may be as large as a message. */
const PAGE_BYTES = 4 * 1024 * 1024;

/** The sessions that have rows of a kind, in the order of their keys, with the time of the newest. */
async function* sessionsWith(store: Store, id: number, kind: ListedKind): AsyncGenerator<Listed> {
  let after: string | undefined;
  for (;;) {
    const rows = await store.range({ ...sessionRange(kind, id, after), limit: PAGE_ROWS, maxBytes: PAGE_BYTES });
    if (rows.length === 0) return;
    const newest = new Map(rows.map(({ key, value }) => [sessionIdOfKey(key), value]));
    after = [...newest.keys()].at(-1) as string;
    for (const [sessionId, value] of newest) {
      // The last of a page may have more rows than the page.
      const last = sessionId === after ? await newestRow(store, id, kind, sessionId, value) : value;
      yield { sessionId, updatedAtMs: kind === 'state' ? stateSetAtMs(last) : decodeSessionRow(last).enqueuedAtMs };
    }
  }
}

async function newestRow(store: Store, id: number, kind: ListedKind, sessionId: string, known: Buffer) {
  if (kind === 'state') return known;
  const from = sessionMessageKey(kind, id, sessionId, 0);
  const to = sessionMessageKey(kind, id, sessionId, Number.MAX_SAFE_INTEGER);
  const [row] = await store.range({ from, to, limit: 1, reverse: true });
  return row?.value ?? known;
}

const inOrder = (a: string, b: string): number =>
  Buffer.byteLength(a) - Buffer.byteLength(b) || Buffer.compare(Buffer.from(a), Buffer.from(b));

/** Joins listings that are each in the order of the keys; a session that is in several comes once. */
async function* joined(listings: readonly AsyncGenerator<Listed>[]): AsyncGenerator<Listed> {
  const heads = await Promise.all(listings.map((listing) => listing.next()));
  for (;;) {
    let first: Listed | undefined;
    for (const { done, value } of heads) {
      if (!done && (first === undefined || inOrder(value.sessionId, first.sessionId) < 0)) first = value;
    }
    if (first === undefined) return;
    let { updatedAtMs } = first;
    for (const [index, head] of heads.entries()) {
      if (head.done || head.value.sessionId !== first.sessionId) continue;
      updatedAtMs = Math.max(updatedAtMs, head.value.updatedAtMs);
      heads[index] = await (listings[index] as AsyncGenerator<Listed>).next();
    }
    yield { sessionId: first.sessionId, updatedAtMs };
  }
}

/** Names sessions that have messages, deferred ones among them, or a state. */
export async function listSessions(store: Store, id: number, listing: SessionListing): Promise<string[]> {
  const { updatedSinceMs, skip, top } = listing;
  const kinds: readonly ListedKind[] = updatedSinceMs === undefined ? ['message'] : ['message', 'deferred', 'state'];
  const found: string[] = [];
  let skipped = 0;
  if (top === 0) return found;
  for await (const { sessionId, updatedAtMs } of joined(kinds.map((kind) => sessionsWith(store, id, kind)))) {
    if (updatedSinceMs !== undefined && updatedAtMs < updatedSinceMs) continue;
    if (skipped++ < skip) continue;
    found.push(sessionId);
    if (found.length >= top) break;
  }
  return found;
}
