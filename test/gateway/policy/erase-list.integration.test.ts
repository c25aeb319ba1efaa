import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openEraseList } from '../../../src/gateway/policy/erase-list.js';
import { createLogger } from '../../../src/shared/logger.js';
import { createManualClock } from '../../helpers/manual-clock.js';
import { waitFor } from '../../helpers/wait.js';
import { createGatewayRig } from '../rig.js';

const logger = createLogger('test', 'silent');
const deps = (clock = createManualClock()) => ({ clock, logger, key: [1, 2] as const });
let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'penstock-erase-'));
  file = join(folder, 'erase.txt');
});
afterEach(() => rmSync(folder, { recursive: true }));

test('ids stand one a line, and a comment is none', async () => {
  writeFileSync(file, '# asked in November\r\nuser-1\r\n\r\n  user 2  \n#user-3\n');
  const list = await openEraseList(file, deps());
  expect(['user-1', 'user 2', 'user-3', '#user-3', ''].map((id) => list.has(id))).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
  list.close();
});

test('lines are whole wherever the file is read in pieces, in characters of several bytes too', async () => {
  const ids = Array.from({ length: 40_000 }, (_, number) => `${'é'.repeat(number % 5)}-${number}-€`);
  writeFileSync(file, ids.join('\n'));
  const list = await openEraseList(file, deps());
  expect(ids.every((id) => list.has(id))).toBe(true);
  expect(list.has('é-1-')).toBe(false);
  list.close();
});

test('a large list is read a piece at a time, and what else there is to do is done between', async () => {
  const ids = Array.from({ length: 500_000 }, (_, number) => `user-${number}`);
  writeFileSync(file, ids.join('\n'));
  let readInTurn = 0;
  let readAtOnce = 0;
  /** Each id is hashed with the key, which tells of it. */
  const key = Object.assign([1, 2] as [number, number], {
    *[Symbol.iterator]() {
      readInTurn++;
      yield* [1, 2];
      return undefined;
    },
  });
  let open = true;
  const endTurn = () => {
    readAtOnce = Math.max(readAtOnce, readInTurn);
    readInTurn = 0;
    if (open) setImmediate(endTurn);
  };
  setImmediate(endTurn);
  const list = await openEraseList(file, { ...deps(), key });
  open = false;
  endTurn();
  expect(readAtOnce).toBeGreaterThan(0);
  expect(readAtOnce).toBeLessThan(ids.length / 10);
  expect(list.has('user-499999')).toBe(true);
  list.close();
});

test('a list that cannot be read stops the start, and names the file', async () => {
  await expect(openEraseList(file, deps())).rejects.toMatchObject({
    code: 'PS_ERASE_LIST_UNREADABLE',
    message: expect.stringContaining(file) as string,
  });
});

test.each(['utf16le', 'latin1'] as const)(
  'a list in another encoding (%s) is none, and not a list of nobody',
  async (encoding) => {
    writeFileSync(file, 'user-1\nusér-2\n', encoding);
    await expect(openEraseList(file, deps())).rejects.toMatchObject({
      code: 'PS_ERASE_LIST_UNREADABLE',
      message: expect.stringContaining('not a text in UTF-8') as string,
    });
  },
);

test('a change of the file is in force without a restart, and a file that is gone frees nobody', async () => {
  const clock = createManualClock();
  writeFileSync(file, 'user-1\n');
  const list = await openEraseList(file, deps(clock));
  const changed = (id: string) => async () => {
    clock.advance(2_000);
    await new Promise((resolve) => setImmediate(resolve));
    return list.has(id);
  };
  writeFileSync(join(folder, 'new'), 'user-1\nuser-2\n');
  renameSync(join(folder, 'new'), file);
  await waitFor('the longer list', changed('user-2'));
  rmSync(file);
  for (let times = 0; times < 20; times++) await changed('user-2')();
  expect(list.has('user-1')).toBe(true);
  writeFileSync(file, 'user-3\n');
  await waitFor('the new list', changed('user-3'));
  expect(list.has('user-1')).toBe(false);
  list.close();
});

test('events of erased users and visitors are dropped before they are anywhere', async () => {
  writeFileSync(file, 'user-1\nvisitor-1\n');
  const rig = await createGatewayRig({ gateway: { eraseList: file } });
  const results = await rig.results([
    { id: 'a', type: 'click', userId: 'user-1', anonymousId: 'v' },
    { id: 'b', type: 'click', anonymousId: 'visitor-1' },
    { id: 'c', type: 'click', userId: 'user-10' },
    { id: 'd', type: 'sign_up', userId: 'user-1' },
  ]);
  expect(results.map(({ outcome, reason }) => reason ?? outcome)).toEqual(['erased', 'erased', 'accepted', 'erased']);
  expect(rig.brokers.hubEvents().map(({ id }) => id)).toEqual(['c']);
  expect(rig.brokers.state.messages).toEqual([]);
  await rig.gateway.stop({ deadlineMs: 100 });
});

test('nobody who is erased is brought back as the other name of somebody', async () => {
  writeFileSync(file, 'user-1\n');
  const rig = await createGatewayRig({ gateway: { eraseList: file } });
  const results = await rig.results([
    { id: 'a', type: 'alias', userId: 'user-2', properties: { previous_id: 'user-1' } },
    { id: 'b', type: 'alias', userId: 'user-2', properties: { alias: 'user-1' } },
    { id: 'c', type: 'alias', userId: 'user-2', properties: { previous_id: 7, alias: 'user-3' } },
    { id: 'd', type: 'click', userId: 'user-2', properties: { alias: 'user-1' } },
  ]);
  expect(results.map(({ outcome, reason }) => reason ?? outcome)).toEqual(['erased', 'erased', 'accepted', 'accepted']);
  await rig.gateway.stop({ deadlineMs: 100 });
});
