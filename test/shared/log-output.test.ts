import { expect, test } from 'vitest';
import { createLogOutput } from '../../src/shared/log-output.js';
import { createLogger } from '../../src/shared/logger.js';

const failure = (code: string) => Object.assign(new Error(code), { code });

/** A file or pipe that takes so many bytes at a time, and fails with `fails` as long as that is set. */
function createFile(atOnceBytes = Number.POSITIVE_INFINITY) {
  const file = {
    fails: undefined as string | undefined,
    text: '',
    write(bytes: Buffer): number {
      if (file.fails !== undefined) throw failure(file.fails);
      const taken = bytes.subarray(0, atOnceBytes);
      file.text += taken.toString('latin1');
      return taken.length;
    },
  };
  return file;
}

const messages = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { msg: string }).msg);

test('a line is written whole when the call returns', () => {
  const file = createFile(10);
  const logger = createLogger('test', 'info', createLogOutput(file.write));
  logger.info('first');
  logger.fatal('last');
  expect(messages(file.text)).toEqual(['first', 'last']);
});

test.each(['ENOSPC', 'EPIPE', 'EIO'])('lines that meet %s are lost, and nothing else happens', (code) => {
  const file = createFile();
  const logger = createLogger('test', 'info', createLogOutput(file.write));
  file.fails = code;
  logger.info('lost');
  logger.fatal('lost too');
  file.fails = undefined;
  logger.info('back');
  expect(messages(file.text)).toEqual(['back']);
});

test('what a full pipe does not take waits, up to a bound, and no line is cut', () => {
  const file = createFile();
  const output = createLogOutput(file.write);
  file.fails = 'EAGAIN';
  const line = `${'x'.repeat(1023)}\n`;
  for (let count = 0; count < 2_000; count++) output.write(line);
  file.fails = undefined;
  output.write('end\n');
  expect(file.text).toBe(line.repeat(1_024));
  output.write('end\n');
  expect(file.text).toBe(`${line.repeat(1_024)}end\n`);
});
