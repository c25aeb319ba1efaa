import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { findFreePort, isPortFree } from '../../src/local/free-port.js';

/** Where Linux begins to take ports for connections that go out. */
const FIRST_OUTGOING = 32_768;

test('a port that is found is free, and no connection that goes out takes it', async () => {
  for (let index = 0; index < 20; index++) {
    const port = await findFreePort();
    expect(port).toBeLessThan(FIRST_OUTGOING);
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', resolve);
    });
    expect(await isPortFree(port, '127.0.0.1')).toBe(false);
    await new Promise((resolve) => server.close(resolve));
  }
});
