import { findFreePort, redisProcess, redisUrl } from '../../src/local/index.js';
import { createTempDir, runPart, type TestPart } from './parts.js';

export interface TestRedis extends TestPart {
  readonly url: string;
}

/** A real redis-server on a free loopback port, with a password, its data in a folder of its own. */
export async function startTestRedis(): Promise<TestRedis> {
  const dir = createTempDir('redis');
  const options = {
    dir: dir.path,
    port: await findFreePort(),
    password: 'test-password-of-redis',
    searchPath: process.env['PATH'] ?? '',
  };
  const part = await runPart(redisProcess(options));
  return {
    url: redisUrl(options),
    async stop() {
      await part.signal('SIGTERM');
      dir.remove();
    },
    kill: () => part.signal('SIGKILL'),
  };
}
