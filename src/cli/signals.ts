/** Aborted by the first Ctrl-C or SIGTERM; a second one ends the process at once, as it does by default. */
export function stopOnSignals(): AbortSignal {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort());
  return stop.signal;
}
