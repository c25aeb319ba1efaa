import type { Entry, Store, Write } from '../../../src/broker/store/index.js';

export interface MemoryStore extends Store {
  readonly size: number;
  /** Commits wait until `release`. */
  hold(): void;
  release(): void;
}

const text = (key: Buffer) => key.toString('hex');

/** The store's promises kept in memory: order, atomic batches, contributions. Bytes survive as long as the object does. */
export function createMemoryStore(): MemoryStore {
  const data = new Map<string, Buffer>();
  let contributors: ((into: Write[]) => void)[] = [];
  let held: (() => void)[] | undefined;

  function apply(writes: readonly Write[]): void {
    const batch = [...writes];
    for (const contribute of contributors) contribute(batch);
    for (const { key, value } of batch) {
      if (value === undefined) data.delete(text(key));
      else data.set(text(key), Buffer.from(value));
    }
  }

  const get = async (key: Buffer) => data.get(text(key));
  return {
    get,
    getMany: (keys) => Promise.all(keys.map(get)),
    async range({ from, to, limit, maxBytes = Number.POSITIVE_INFINITY, reverse = false }) {
      const keys = [...data.keys()].filter((key) => key >= text(from) && key < text(to)).sort();
      if (reverse) keys.reverse();
      const entries: Entry[] = [];
      let bytes = 0;
      for (const key of keys) {
        const value = data.get(key) as Buffer;
        bytes += value.length;
        if (entries.length >= limit || (bytes > maxBytes && entries.length > 0)) break;
        entries.push({ key: Buffer.from(key, 'hex'), value });
      }
      return entries;
    },
    commit(writes) {
      return new Promise((resolve) => {
        const work = () => {
          apply(writes);
          resolve();
        };
        if (held) held.push(work);
        else work();
      });
    },
    onBatch: (contribute) => void contributors.push(contribute),
    async clear({ from, to }) {
      for (const key of data.keys()) if (key >= text(from) && key < text(to)) data.delete(key);
    },
    pendingBytes: () => 0,
    async close() {
      contributors = [];
    },
    get size() {
      return data.size;
    },
    hold() {
      held ??= [];
    },
    release() {
      const waiting = held ?? [];
      held = undefined;
      for (const work of waiting) work();
    },
  };
}
