import { appendFileSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createAudit } from '../../../src/consumers/audit/audit.js';
import { createLineFile } from '../../../src/consumers/audit/line-file.js';
import type { ReceivedMessage } from '../../../src/messaging/index.js';
import { createLogger } from '../../../src/shared/logger.js';
import { createManualClock } from '../../helpers/manual-clock.js';
import { createTempDir } from '../../helpers/parts.js';
import { waitFor } from '../../helpers/wait.js';

let dir: { path: string; remove(): void };
beforeEach(() => {
  dir = createTempDir('audit');
});
afterEach(() => dir.remove());

const START = Date.UTC(2026, 0, 1, 23, 59);

const message = (fields: Partial<ReceivedMessage>): ReceivedMessage => ({
  messageId: 'm1',
  sequenceNumber: '1',
  enqueuedAtMs: START,
  deliveryCount: 0,
  lockedUntilMs: START + 60_000,
  body: Buffer.from('{}'),
  applicationProperties: {},
  ...fields,
});

const openAudit = (dataDir = dir.path, clock = createManualClock(START)) =>
  createAudit({ dataDir, clock, random: () => 1, logger: createLogger('test', 'silent') });
const fileOf = (date: string) => join(dir.path, 'audit', `${date}.ndjson`);
const linesOf = (date: string) => readFileSync(fileOf(date), 'utf8').split('\n');

test('each message is one JSON line of the day, and is completed when it is in the file', async () => {
  const clock = createManualClock(START);
  const audit = openAudit(dir.path, clock);
  const body = Buffer.from('{\n  "id": "e1",\n  "type": "purchase"\n}');
  expect(await audit.handle(message({ body }))).toEqual({ outcome: 'complete' });
  expect(linesOf('2026-01-01')).toEqual(['{"id":"e1","type":"purchase"}', '']);
  clock.advance(60_000);
  await audit.handle(message({ body: Buffer.from('{"id":"e2"}') }));
  expect(linesOf('2026-01-02')).toEqual(['{"id":"e2"}', '']);
  await audit.close();
});

test('many messages at once are all in the file, each on a line of its own', async () => {
  const audit = openAudit();
  await Promise.all(
    Array.from({ length: 500 }, (_, index) => audit.handle(message({ body: Buffer.from(`{"id":${index}}`) }))),
  );
  const ids = linesOf('2026-01-01')
    .slice(0, -1)
    .map((line) => (JSON.parse(line) as { id: number }).id);
  expect(ids.sort((a, b) => a - b)).toEqual(Array.from({ length: 500 }, (_, index) => index));
  await audit.close();
});

test('a line that comes at the very moment when the one before is done is written too', async () => {
  const file = createLineFile(join(dir.path, 'audit'), createManualClock(START));
  await file.append('first');
  await file.append('second');
  await file.append('third');
  expect(linesOf('2026-01-01')).toEqual(['first', 'second', 'third', '']);
  await file.close();
});

test('a body that is not JSON is kept whole', async () => {
  const audit = openAudit();
  const body = Buffer.from([0xff, 0x0a, 0x00]);
  await audit.handle(message({ messageId: 'odd', body }));
  expect(JSON.parse(linesOf('2026-01-01')[0] as string)).toEqual({ messageId: 'odd', body: body.toString('base64') });
  await audit.close();
});

test('a line that a crash cut short spoils no other line', async () => {
  mkdirSync(join(dir.path, 'audit'));
  appendFileSync(fileOf('2026-01-01'), '{"id":"whole"}\n{"id":"cut');
  const audit = openAudit();
  await audit.handle(message({ body: Buffer.from('{"id":"next"}') }));
  expect(linesOf('2026-01-01')).toEqual(['{"id":"whole"}', '{"id":"cut', '{"id":"next"}', '']);
  await audit.close();
});

test.each([
  ['removed', () => rmSync(fileOf('2026-01-01'))],
  ['moved away', () => renameSync(fileOf('2026-01-01'), join(dir.path, 'archived'))],
  ['removed with its folder', () => rmSync(join(dir.path, 'audit'), { recursive: true })],
])('a message that comes after the file was %s is in a new file, before it is completed', async (_, remove) => {
  const audit = openAudit();
  await audit.handle(message({ body: Buffer.from('{"id":"before"}') }));
  remove();
  expect(await audit.handle(message({ body: Buffer.from('{"id":"after"}') }))).toEqual({ outcome: 'complete' });
  expect(linesOf('2026-01-01')).toEqual(['{"id":"after"}', '']);
  await audit.close();
});

test('a message that cannot be written is given back, each time later, until its lock ends or it is stopped', async () => {
  const clock = createManualClock(START);
  const audit = openAudit(join(dir.path, 'blocked'), clock);
  appendFileSync(join(dir.path, 'blocked'), 'a file where the folder should be');
  /** How long the message is in hand, in steps of half a second. */
  const heldMs = async (deliveryCount: number) => {
    const beginMs = clock.now();
    let verdict: unknown;
    void audit.handle(message({ deliveryCount, lockedUntilMs: beginMs + 60_000 })).then((given) => {
      verdict = given;
    });
    await waitFor('the wait', () => clock.pending > 0);
    while (verdict === undefined) {
      clock.advance(500);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(verdict).toEqual({ outcome: 'abandon' });
    return clock.now() - beginMs;
  };
  expect([await heldMs(0), await heldMs(3), await heldMs(9)]).toEqual([1_500, 8_500, 58_000]);
  rmSync(join(dir.path, 'blocked'));
  expect(await audit.handle(message({}))).toEqual({ outcome: 'complete' });
  rmSync(join(dir.path, 'blocked'), { recursive: true });
  appendFileSync(join(dir.path, 'blocked'), 'a file again');
  clock.advance(24 * 3_600_000);
  const given = audit.handle(message({ deliveryCount: 9, lockedUntilMs: clock.now() + 60_000 }));
  audit.abort?.();
  expect(await given).toEqual({ outcome: 'abandon' });
  await audit.close();
});

test('the file is readable by its owner only', async () => {
  const audit = openAudit();
  await audit.handle(message({}));
  expect(readdirSync(join(dir.path, 'audit'))).toEqual(['2026-01-01.ndjson']);
  expect(statSync(fileOf('2026-01-01')).mode & 0o077).toBe(0);
  await audit.close();
});
