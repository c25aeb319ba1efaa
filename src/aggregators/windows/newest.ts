/** The newest few entries by time: the base of the list metrics. */
export interface Newest<Source, Entry> {
  /** Offers something that happened at `timeMs`. Of two with the same key only the newer is kept. */
  offer(key: string, timeMs: number, source: Source): void;
  /** Newest first. Of entries with the same time the one that came later is the newer. */
  list(): NewestEntry<Entry>[];
  /** The list if it changed since the last call. */
  takeDirty(): NewestEntry<Entry>[] | undefined;
  markDirty(): void;
}

export interface NewestEntry<Entry> {
  readonly key: string;
  readonly timeMs: number;
  readonly entry: Entry;
}

export interface NewestOptions<Source, Entry> {
  readonly size: number;
  /** The caller gives every key once only, so there is no need to look for an older entry of the key. */
  readonly uniqueKeys: boolean;
  /** Called when the list is read, so only for what is still among the newest then. */
  readonly entryOf: (source: Source) => Entry;
}

interface Slot<Source, Entry> {
  readonly key: string;
  readonly timeMs: number;
  readonly source: Source | undefined;
  entry: Entry | undefined;
}

export function createNewest<Source, Entry>(
  { size, uniqueKeys, entryOf }: NewestOptions<Source, Entry>,
  saved: readonly NewestEntry<Entry>[] = [],
): Newest<Source, Entry> {
  /** Oldest first, so that what comes in order is appended; cut to `size` only when it is twice as long. */
  const slots: Slot<Source, Entry>[] = saved.map((entry) => ({ ...entry, source: undefined })).reverse();
  let dirty = false;

  const indexOf = (key: string): number => {
    for (let at = slots.length - 1; at >= 0; at--) if ((slots[at] as Slot<Source, Entry>).key === key) return at;
    return -1;
  };
  /** In the place of an older one of the key, or behind all, from where it goes on to the place of its time. */
  const insert = (slot: Slot<Source, Entry>, from: number) => {
    const timeAt = (index: number) => (slots[index] as Slot<Source, Entry>).timeMs;
    let at = from;
    for (; at + 1 < slots.length && timeAt(at + 1) <= slot.timeMs; at++) slots[at] = slots[at + 1] as typeof slot;
    for (; at > 0 && timeAt(at - 1) > slot.timeMs; at--) slots[at] = slots[at - 1] as typeof slot;
    slots[at] = slot;
    if (slots.length >= 2 * size) slots.splice(0, slots.length - size);
  };
  const list = () =>
    slots
      .slice(-size)
      .reverse()
      .map((slot) => {
        slot.entry ??= entryOf(slot.source as Source);
        return { key: slot.key, timeMs: slot.timeMs, entry: slot.entry };
      });
  return {
    offer(key, timeMs, source) {
      const oldest = slots[slots.length - size];
      if (oldest !== undefined && timeMs < oldest.timeMs) return;
      const known = uniqueKeys ? -1 : indexOf(key);
      if (known >= 0 && timeMs < (slots[known] as Slot<Source, Entry>).timeMs) return;
      insert({ key, timeMs, source, entry: undefined }, known < 0 ? slots.length : known);
      dirty = true;
    },
    list,
    takeDirty() {
      if (!dirty) return undefined;
      dirty = false;
      return list();
    },
    markDirty() {
      dirty = true;
    },
  };
}
