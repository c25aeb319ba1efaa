import { createHash } from 'node:crypto';

const DIGEST_BYTES = 16;

/** A stable name made of parts: 128 bits of SHA-256 in base64url. The parts are kept apart, so that ("ab","c") is not ("a","bc"). */
export function stableId(...parts: readonly (string | Buffer)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) {
    hash.update(`${Buffer.byteLength(part)}:`);
    hash.update(part);
  }
  return hash.digest().toString('base64url', 0, DIGEST_BYTES);
}

/**
 * Counts how often the same content has been seen before, so that two equal lines are two events while a second import
 * of the file makes the same ids. Equal lines bear the same time and so stand near each other: the last `capacity`
 * distinct contents are remembered, which bounds memory and depends on the file alone.
 */
export function createOccurrences(capacity = 65_536): (content: string) => number {
  const seen = new Map<string, number>();
  return function occurrenceOf(content) {
    const before = seen.get(content) ?? 0;
    seen.delete(content);
    seen.set(content, before + 1);
    if (seen.size > capacity) {
      for (const oldest of seen.keys()) {
        seen.delete(oldest);
        break;
      }
    }
    return before;
  };
}
