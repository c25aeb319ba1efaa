import { createServer } from 'node:net';

/** A TCP port that was free a moment ago. Another process may still take it first: the caller's bind decides. */
export async function findFreePort(host = '127.0.0.1'): Promise<number> {
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
