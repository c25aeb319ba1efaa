import { expect, it } from 'vitest';
import { startProcess } from '../../src/local/index.js';

const run = (program: string) =>
  startProcess(
    {
      name: 'part',
      command: process.execPath,
      args: ['-e', program],
      env: {},
      ready: { by: 'message' },
      stopSignal: 'SIGTERM',
    },
    process.env,
    () => {},
  );

it('a process that says that another start would not help is heard, however soon it ends after that', async () => {
  for (let round = 0; round < 5; round++) {
    const part = run(`process.send({ type: 'hopeless', why: 'damaged' }, undefined, {}, () => process.exit(1))`);
    expect(await part.ended).toBe('exit code 1');
    expect(part.hopeless()).toBe('damaged');
  }
});

it('a process that ends without a word is not hopeless', async () => {
  const part = run(`process.kill(process.pid, 'SIGKILL')`);
  expect(await part.ended).toBe('signal SIGKILL');
  expect(part.hopeless()).toBeUndefined();
});

it('a part has a process group of its own, so that Ctrl-C in a terminal reaches its supervisor alone', async () => {
  const part = run(`process.send({ type: 'ready' }); setInterval(() => {}, 1000)`);
  await part.ready;
  const group = -(part.pid as number);
  expect(() => process.kill(group, 0)).not.toThrow();
  part.signal('SIGKILL');
  await part.ended;
});
