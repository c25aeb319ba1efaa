import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, expect, test, vi } from 'vitest';
import { register } from '../../src/cli/topology.js';
import { createTempDir } from '../helpers/parts.js';

const dir = createTempDir('topology');
afterAll(() => dir.remove());

/** What `penstock topology …` prints, and the exit code that it sets. */
async function topology(...args: string[]) {
  const printed = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    vi.spyOn(process[name], 'write').mockImplementation((text) => {
      printed[name] += text;
      return true;
    });
  const command = new Command('topology');
  register(command);
  const before = process.exitCode;
  try {
    await command.parseAsync(args, { from: 'user' });
    return { ...printed, code: process.exitCode ?? 0 };
  } finally {
    process.exitCode = before;
    vi.restoreAllMocks();
  }
}

test('the template that ships is checked and counted', async () => {
  const { code, stdout } = await topology('check');
  expect(stdout).toBe('OK: 1 topic, 5 subscriptions, 5 rules, 1 hub, 4 partitions, 3 consumer groups\n');
  expect(code).toBe(0);
});

test('a parameters file is applied', async () => {
  const parameters = join(dir.path, 'parameters.json');
  writeFileSync(parameters, '{ "parameters": { "partitionCount": { "value": 12 } } }');
  const { stdout } = await topology('check', '--parameters', parameters);
  expect(stdout).toContain('12 partitions');
});

test('every fault of a template is a line, and the exit code is 1', async () => {
  const broken = join(dir.path, 'broken.json');
  const text = readFileSync('infra/arm/main.json', 'utf8');
  writeFileSync(broken, text.replace('churnScore >= 0.7', 'churnScore >== 0.7').replace('"PT13H"', '"P8D"'));
  const { code, stdout, stderr } = await topology('check', broken);
  expect(code).toBe(1);
  expect(stdout).toBe('');
  const lines = stderr.trimEnd().split('\n');
  expect(lines).toHaveLength(2);
  for (const line of lines) expect(line.startsWith(`PS_TOPOLOGY_INVALID ${broken}: topic events`)).toBe(true);
});

test('print shows the tree, and as JSON what the broker loads', async () => {
  const tree = await topology('print');
  expect(tree.stdout).toContain("│  └─ rule $Default  type = 'churn_scored' AND churnScore >= 0.7\n");
  expect(tree.stdout).toContain('hub clicks  4 partitions, keeps 7 d\n');
  const { stdout } = await topology('print', '--json');
  expect(JSON.parse(stdout)).toMatchObject({ queues: [], topics: [{ name: 'events' }], hubs: [{ name: 'clicks' }] });
});
