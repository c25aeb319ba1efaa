/** A binary min-heap: the smallest item first, equal ones in the order that `before` gives them. */
export function createHeap<T>(before: (a: T, b: T) => boolean) {
  const items: T[] = [];
  const at = (index: number) => items[index] as T;
  return {
    get size() {
      return items.length;
    },
    peek: (): T | undefined => items[0],
    push(item: T): void {
      let index = items.push(item) - 1;
      while (index > 0) {
        const parent = (index - 1) >> 1;
        if (!before(item, at(parent))) break;
        items[index] = at(parent);
        index = parent;
      }
      items[index] = item;
    },
    pop(): T | undefined {
      const top = items[0];
      const last = items.pop();
      if (last === undefined || items.length === 0) return top;
      let index = 0;
      for (let child = 1; child < items.length; child = 2 * index + 1) {
        if (child + 1 < items.length && before(at(child + 1), at(child))) child += 1;
        if (!before(at(child), last)) break;
        items[index] = at(child);
        index = child;
      }
      items[index] = last;
      return top;
    },
  };
}
