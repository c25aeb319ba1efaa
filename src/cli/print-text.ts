/** Writes to standard output. Who reads it, such as `head`, may have enough: what follows is then not missed. */
export function printText(text: string): void {
  const { stdout } = process;
  // Not at the start of the process: roles write their log past this stream, and must not open it.
  if (stdout.listenerCount('error') === 0) stdout.on('error', passOverClosedPipe);
  stdout.write(text);
}

function passOverClosedPipe(error: Error): void {
  if (!isClosedPipe(error)) throw error;
}

/** Who read the output has enough. */
export const isClosedPipe = (error: unknown): boolean => (error as { code?: unknown } | null)?.code === 'EPIPE';
