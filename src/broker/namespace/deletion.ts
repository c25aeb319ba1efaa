/** Changes of an entity, and its end, as its links are told of them. */
export interface Deletion {
  /** Calls `listener` when the entity has new settings or is deleted, until the answered function is called. */
  subscribe(listener: () => void): () => void;
  readonly done: boolean;
}

export function createDeletion(): Deletion & { announce(): void; changed(): void } {
  const listeners = new Set<() => void>();
  let done = false;
  return {
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    get done() {
      return done;
    },
    changed() {
      for (const listener of [...listeners]) listener();
    },
    announce() {
      done = true;
      for (const listener of [...listeners]) listener();
      listeners.clear();
    },
  };
}
