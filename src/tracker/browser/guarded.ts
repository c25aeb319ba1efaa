/** A page must never break because it is measured. */
export const guarded =
  <A extends unknown[]>(task: (...args: A) => void) =>
  (...args: A): void => {
    try {
      task(...args);
    } catch {
      // Measured or not: the page goes on.
    }
  };

/** Calls `listener` before the page can stop an event, of any of these kinds. */
export function on(kinds: string, listener: (event: never) => void): void {
  for (const kind of kinds.split(' ')) addEventListener(kind, guarded(listener) as EventListener, true);
}
