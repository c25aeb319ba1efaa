/** 4 MB for 3 million ids of which one in a hundred is wrongly taken for seen; with more ids it is more often wrong. */
const BITS = 2 ** 25;
const PROBES = 5;

interface Generation {
  readonly words: Uint32Array;
  readonly sinceMs: number;
  newestMs: number;
}

/**
 * Which ids were seen within a window of time, in little memory and without a fault of one kind: an id that was added is
 * never taken for unseen (a Bloom filter). Ids are not taken out one by one: they gather in two generations of at least a
 * window each, and the older one goes when all that it has is older than the window. What was that once is forgotten, and a
 * clock that is set back then does not bring it back.
 */
export function createIdFilter(windowMs: () => number, bits = BITS) {
  let young: Generation | undefined;
  let old: Generation | undefined;
  const begin = (sinceMs: number): Generation => ({ words: new Uint32Array(bits / 32), sinceMs, newestMs: sinceMs });

  const has = ({ words }: Generation, id: string): boolean =>
    probe(id, bits, (bit) => ((words[bit >>> 5] as number) & (1 << (bit & 31))) !== 0);

  return {
    add(id: string, seenAtMs: number): void {
      young ??= begin(seenAtMs);
      const isOver = old === undefined || old.newestMs <= seenAtMs - windowMs();
      if (isOver && young.newestMs - young.sinceMs >= windowMs()) {
        old = young;
        young = begin(seenAtMs);
      }
      young.newestMs = Math.max(young.newestMs, seenAtMs);
      const { words } = young;
      probe(id, bits, (bit) => {
        words[bit >>> 5] = (words[bit >>> 5] as number) | (1 << (bit & 31));
        return true;
      });
    },

    mayHave: (id: string): boolean => (young !== undefined && has(young, id)) || (old !== undefined && has(old, id)),
  };
}

/** Whether all bits of an id pass: two hashes (FNV-1a and a mix of it) make as many as are needed. */
function probe(id: string, bits: number, test: (bit: number) => boolean): boolean {
  let hash = 0x811c9dc5;
  for (let at = 0; at < id.length; at++) hash = Math.imul(hash ^ id.charCodeAt(at), 0x01000193);
  let step = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  step = Math.imul(step ^ (step >>> 13), 0xc2b2ae35) | 1;
  for (let count = 0; count < PROBES; count++) {
    if (!test(((hash ^ (hash >>> 15)) >>> 0) % bits)) return false;
    hash = (hash + step) | 0;
  }
  return true;
}
