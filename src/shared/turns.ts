/** Runs pieces of work one after the other, in the order in which they were given. */
export type InTurn = <T>(work: () => Promise<T>) => Promise<T>;

export function createTurns(): InTurn {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const result = last.then(work);
    last = result.catch(() => {});
    return result;
  };
}

/** Runs pieces of work at the same time, but no more than `atOnce`; the others wait, in the order in which they came. */
export function createSlots(atOnce: number): InTurn {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (running === atOnce) await new Promise<void>((resolve) => waiting.push(resolve));
    else running++;
    try {
      return await work();
    } finally {
      // The slot is handed on as it is: nobody who comes now gets in between.
      const next = waiting.shift();
      if (next === undefined) running--;
      else next();
    }
  };
}
