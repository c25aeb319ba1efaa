import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isAlive } from '../helpers/is-alive.js';
import { createTempDir } from '../helpers/parts.js';
import { waitFor } from '../helpers/wait.js';

/** A clone with nothing installed yet, and an npm that never gets there. */
function createClone() {
  const { path, remove } = createTempDir('clone');
  for (const folder of ['scripts', 'bin']) mkdirSync(join(path, folder));
  for (const script of ['start.mjs', 'setup.mjs']) copyFileSync(join('scripts', script), join(path, 'scripts', script));
  writeFileSync(
    join(path, 'package-lock.json'),
    JSON.stringify({ packages: { '': {}, 'node_modules/one': { integrity: 'sha512-one' } } }),
  );
  const pidFile = join(path, 'pids');
  const npm = `#!/bin/sh\nsleep 600 &\necho "$$ $!" > "${pidFile}.new" && mv "${pidFile}.new" "${pidFile}"\nwait\n`;
  writeFileSync(join(path, 'bin/npm'), npm, { mode: 0o755 });
  return { path, pidFile, remove };
}

test('npm start that is ended while it installs ends what installs, too', async () => {
  const clone = createClone();
  const start = spawn(process.execPath, ['scripts/start.mjs'], {
    cwd: clone.path,
    env: { PATH: `${join(clone.path, 'bin')}:${process.env['PATH']}`, PENSTOCK_REDIS_URL: 'redis://127.0.0.1' },
    stdio: 'ignore',
  });
  const ended = once(start, 'exit');
  await waitFor('npm to be installing', () => existsSync(clone.pidFile));
  const pids = readFileSync(clone.pidFile, 'utf8').trim().split(' ').map(Number);
  expect(pids.every(isAlive)).toBe(true);
  start.kill('SIGTERM');
  expect(await ended).toEqual([143, null]);
  await waitFor('the install to end', () => !pids.some(isAlive));
  clone.remove();
});
