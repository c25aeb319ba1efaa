import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, expect, it } from 'vitest';
import { endLeftParts, openPartList } from '../../src/local/index.js';
import { systemClock } from '../../src/shared/clock.js';
import { createLogger } from '../../src/shared/logger.js';
import { createTempDir } from '../helpers/parts.js';

const dir = createTempDir('parts');
const list = join(dir.path, 'parts.pids');
const deps = { clock: systemClock, logger: createLogger('test', 'silent') };
const children: ChildProcess[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) if (child.exitCode === null && child.signalCode === null) await end(child);
});
afterAll(dir.remove);

const end = (child: ChildProcess) => {
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  return ended;
};

async function startPart(): Promise<{ child: ChildProcess; pid: number }> {
  const child = spawn(process.execPath, ['-e', 'console.log("up"); setInterval(() => {}, 1000)']);
  children.push(child);
  await once(child.stdout, 'data');
  return { child, pid: child.pid as number };
}

it('parts that a killed instance left are gone before the next one starts its own; those that ended are forgotten', async () => {
  const parts = openPartList(dir.path);
  const [first, second] = [await startPart(), await startPart()];
  parts.add(first.pid);
  parts.add(second.pid);
  await end(first.child);
  parts.remove(first.pid);
  expect(readFileSync(list, 'utf8')).toMatch(new RegExp(`^.*\\n${second.pid} .*\\n$`));
  const ended = once(second.child, 'exit');
  await endLeftParts(dir.path, deps);
  expect(await ended).toEqual([null, 'SIGTERM']);
  await endLeftParts(dir.path, deps);
});

it('a process that has the id of a part that ended is left alone', async () => {
  const { child, pid } = await startPart();
  openPartList(dir.path).add(pid);
  writeFileSync(list, `${readFileSync(list, 'utf8').replace(/ .*/, ' long ago')}cut o`);
  await endLeftParts(dir.path, deps);
  expect([child.exitCode, child.signalCode]).toEqual([null, null]);
  expect(() => process.kill(pid, 0)).not.toThrow();
});

it('the parts of an instance of whose folder this one is a copy are left alone', async () => {
  const { child, pid } = await startPart();
  openPartList(dir.path).add(pid);
  const copy = createTempDir('parts-copy');
  cpSync(dir.path, copy.path, { recursive: true });
  await endLeftParts(copy.path, deps);
  expect([child.exitCode, child.signalCode]).toEqual([null, null]);
  expect(() => process.kill(pid, 0)).not.toThrow();
  copy.remove();
});
