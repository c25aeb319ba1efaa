/**
 * Does `work` with a signal that the first Ctrl-C or SIGTERM aborts; a second one ends the process at once, as it does
 * by default.
 */
export async function withStopSignal<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  const abort = () => stop.abort();
  const names = ['SIGINT', 'SIGTERM'] as const;
  for (const name of names) process.once(name, abort);
  try {
    return await work(stop.signal);
  } finally {
    for (const name of names) process.off(name, abort);
  }
}
