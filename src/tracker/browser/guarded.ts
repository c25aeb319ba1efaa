/** A page must never break because it is measured. */
export const guarded =
  <A extends unknown[], R>(task: (...args: A) => R) =>
  (...args: A): R | undefined => {
    try {
      return task(...args);
    } catch {
      // Measured or not: the page goes on.
      return undefined;
    }
  };

/** Calls `listener` before the page can stop an event, of any of these kinds. */
export function on(kinds: string, listener: (event: never) => void): void {
  for (const kind of kinds.split(' ')) addEventListener(kind, guarded(listener) as EventListener, true);
}
