import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Below what systems give to connections that go out (Linux from 32,768 on, others from 49,152), and above most services. */
const LOWEST = 16_384;
const BEHIND_HIGHEST = 32_768;
const ATTEMPTS = 100;

/**
 * A TCP port that was free a moment ago. Another process may still take it first: the caller's bind decides. One that the
 * system would choose is soon the other end of some connection, on a machine that opens many of them.
 */
export async function findFreePort(host = '127.0.0.1'): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = randomInt(LOWEST, BEHIND_HIGHEST);
    if (await isPortFree(port, host)) return port;
  }
  return (await bind(0, host)) as number;
}

export async function isPortFree(port: number, host: string): Promise<boolean> {
  return (await bind(port, host)) !== undefined;
}

/** Binds the port for a moment; undefined when it is taken. */
async function bind(port: number, host: string): Promise<number | undefined> {
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, resolve);
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return undefined;
    throw error;
  }
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : undefined;
}
