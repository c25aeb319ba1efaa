/** The element with this id. The page and this code are built together, so a missing one is a mistake in either. */
export function byId<E extends Element = HTMLElement>(id: string): E {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no element #${id}`);
  return element as unknown as E;
}

/** Data reaches the page as text only, never as markup. Untouched text is not written again, so selections survive. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className = '',
  ...children: Node[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

export interface RowPlan<T, E extends Element> {
  keyOf(item: T, index: number): string;
  make(item: T): E;
  update(row: E, item: T): void;
}

/** Keeps the children of `parent` in line with `items`; the row of a key stays the same element while the key is there. */
export function createRows<T, E extends Element>(parent: Element, plan: RowPlan<T, E>): (items: readonly T[]) => void {
  let rows = new Map<string, E>();
  return (items) => {
    const next = new Map<string, E>();
    for (const [index, item] of items.entries()) {
      const key = plan.keyOf(item, index);
      // The same key twice would be one element in two places.
      if (next.has(key)) continue;
      const row = rows.get(key) ?? plan.make(item);
      plan.update(row, item);
      next.set(key, row);
    }
    for (const [key, row] of rows) if (!next.has(key)) row.remove();
    let place: Element | null = parent.firstElementChild;
    for (const row of next.values()) {
      if (row === place) place = place.nextElementSibling;
      else parent.insertBefore(row, place);
    }
    rows = next;
  };
}
