import { fork } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { createTempDir } from '../helpers/parts.js';

test('a part ends when its supervisor is gone before it was ready, and with it whoever read what it says', async () => {
  const dir = createTempDir('left-alone');
  const args = ['broker', '--data-dir', dir.path, '--broker-port', '0'];
  const part = fork('dist/cli/main.js', args, { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  part.stdout?.destroy();
  part.stderr?.destroy();
  part.disconnect();
  const [, signal] = await once(part, 'exit');
  expect(signal).toBeNull();
  dir.remove();
});
