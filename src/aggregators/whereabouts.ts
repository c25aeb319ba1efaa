/**
 * The kind of an error and the place that threw it. What was thrown may quote the event, so that nothing else is told of
 * an error of code that looks at events.
 */
export function whereabouts(error: unknown): { readonly name: string; readonly place: string | undefined } {
  if (!(error instanceof Error)) return { name: typeof error, place: undefined };
  const { name, message, stack = '' } = error;
  return { name, place: stack.slice(stack.indexOf(message) + message.length).match(/[^\s(]+:\d+:\d+/)?.[0] };
}
