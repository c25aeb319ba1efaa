import { expect, test } from 'vitest';
import { penstock } from './support/penstock.js';

test.each([[['nosuch']], [['nosuch', '--help']], [['help', 'nosuch']]])(
  'a command that there is none of is an error that lists those there are: %s',
  async (args) => {
    const { code, stdout, stderr } = await penstock(args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^error: unknown command 'nosuch'; there are start, gateway, .*topology$/m);
  },
);

test.each([
  [['broker', 'nosuch']],
  [['broker', 'nosuch', '--help']],
  [['broker', '--broker-port', '1', 'nosuch', '-h']],
])('so is one below a command: %s', async (args) => {
  const { code, stdout, stderr } = await penstock(args);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(/^error: unknown command 'nosuch'; those of broker are status, .*repair$/m);
});

test.each(['-v', '-V', '--version'])('%s says which version it is', async (flag) => {
  const { code, stdout } = await penstock([flag]);
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
});

test('help is given where it is asked for', async () => {
  for (const args of [
    ['--help'],
    ['help'],
    ['help', 'broker'],
    ['start', '--help'],
    ['broker', '--help'],
    ['broker', 'peek', '-h'],
  ]) {
    const { code, stdout } = await penstock(args);
    expect([args, code]).toEqual([args, 0]);
    expect(stdout).toMatch(/^Usage: penstock/);
  }
});
