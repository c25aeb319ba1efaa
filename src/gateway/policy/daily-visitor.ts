import { createHmac } from 'node:crypto';

const DAY_MS = 86_400_000;
/** 132 bits in base64url: no two of a day's visitors meet by chance. */
const ID_LENGTH = 22;

/** What tells one visitor from another without anything stored in the browser. */
interface VisitorTraits {
  /** The whole address; it is hashed and goes nowhere else. */
  readonly address: string;
  readonly userAgent: string;
}

export interface DailyVisitor {
  idOf(source: string, traits: VisitorTraits, nowMs: number): string;
  /** Lets the salt go when its day is over. */
  renew(nowMs: number): void;
}

/**
 * A visitor id without cookies: a keyed hash of site, address and user agent, with a salt that lives one UTC day. The
 * same visitor has the same id on one site for that day; once the salt is gone nobody can tell whose an id was, nor link
 * it to another day or site.
 *
 * `saltOf` is given a day as `2026-11-21`, and asked once for each.
 */
export function createDailyVisitor(saltOf: (day: string) => Buffer): DailyVisitor {
  let today = Number.NaN;
  let salt: Buffer = Buffer.alloc(0);
  /** The events of a request mostly have one visitor. */
  let last: (VisitorTraits & { readonly source: string; readonly id: string }) | undefined;
  const renew = (nowMs: number) => {
    const day = Math.floor(nowMs / DAY_MS);
    if (day === today) return;
    salt = saltOf(new Date(nowMs).toISOString().slice(0, 10));
    today = day;
    last = undefined;
  };
  return {
    renew,
    idOf(source, { address, userAgent }, nowMs) {
      renew(nowMs);
      if (last?.address === address && last.userAgent === userAgent && last.source === source) return last.id;
      // Lengths come first, so that no two triples are the same text.
      const text = `${source.length}:${source}${address.length}:${address}${userAgent}`;
      const id = createHmac('sha256', salt).update(text).digest('base64url').slice(0, ID_LENGTH);
      last = { source, address, userAgent, id };
      return id;
    },
  };
}
