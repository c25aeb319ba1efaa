import { randomBytes } from 'node:crypto';
import { azuriteConnectionString, azuriteProcess, findFreePort } from '../../src/local/index.js';
import { createTempDir, runPart, type TestPart } from './parts.js';

export interface TestAzurite extends TestPart {
  readonly connectionString: string;
}

/** A real blob service (Azurite) on a free loopback port, its data in a folder of its own. */
export async function startTestAzurite(): Promise<TestAzurite> {
  const dir = createTempDir('azurite');
  const options = { dir: dir.path, port: await findFreePort(), accountKey: randomBytes(64).toString('base64') };
  const part = await runPart(azuriteProcess(options));
  return {
    connectionString: azuriteConnectionString(options),
    async stop() {
      await part.signal('SIGTERM');
      dir.remove();
    },
    kill: () => part.signal('SIGKILL'),
  };
}
