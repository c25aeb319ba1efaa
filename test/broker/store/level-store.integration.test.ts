import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openLevelStore } from '../../../src/broker/store/index.js';

describe('the store on LevelDB', () => {
  let location: string;
  beforeEach(async () => {
    location = await mkdtemp(join(tmpdir(), 'penstock-store-'));
  });
  afterEach(() => rm(location, { recursive: true, force: true }));

  const key = (text: string) => Buffer.from(text);
  const put = (text: string) => ({ key: key(text), value: key(`value of ${text}`) });

  it('has what was committed after it is opened again, in order', async () => {
    const first = await openLevelStore(location);
    await first.commit([put('b'), put('a'), put('c')]);
    await first.commit([{ key: key('b') }]);
    await first.close();
    const second = await openLevelStore(location);
    expect(await second.get(key('b'))).toBeUndefined();
    expect((await second.getMany([key('c'), key('x')])).map(String)).toEqual(['value of c', 'undefined']);
    const all = { from: key('a'), to: key('z') };
    const keys = async (range: object) =>
      (await second.range({ ...all, limit: 10, ...range })).map((entry) => entry.key.toString());
    expect(await keys({})).toEqual(['a', 'c']);
    expect(await keys({ reverse: true, limit: 1 })).toEqual(['c']);
    expect(await keys({ to: key('c') })).toEqual(['a']);
    expect(await keys({ maxBytes: 1 })).toEqual(['a']);
    await second.clear(all);
    expect(await keys({})).toEqual([]);
    await second.close();
  });

  it('says in one line that another one has it', async () => {
    const first = await openLevelStore(location);
    await expect(openLevelStore(location)).rejects.toMatchObject({
      code: 'PS_BROKER_STORE_LOCKED',
      message: `${location} is in use by another process`,
    });
    await first.close();
  });

  it('says in one line that it is damaged', async () => {
    const first = await openLevelStore(location);
    await first.commit([put('a')]);
    await first.close();
    await writeFile(join(location, 'CURRENT'), 'rubbish\n');
    await expect(openLevelStore(location)).rejects.toMatchObject({ code: 'PS_BROKER_STORE_CORRUPT' });
  });

  it('takes no writes any more once LevelDB merges a damaged block, and says which file and what to do', async () => {
    const keys = Array.from({ length: 64 }, (_, index) => Buffer.from([0x70, index]));
    const first = await openLevelStore(location);
    await first.commit(keys.map((key) => ({ key, value: Buffer.from('a value that packs well '.repeat(400)) })));
    await first.close();
    // Only a start makes a table of the log.
    await openLevelStore(location).then((store) => store.close());
    const [table = ''] = (await readdir(location)).filter((name) => name.endsWith('.ldb'));
    const bytes = await readFile(join(location, table));
    await writeFile(join(location, table), bytes.fill((bytes[40] as number) ^ 0xff, 40, 41));

    const told: unknown[] = [];
    const store = await openLevelStore(location, (error) => told.push(error));
    const failure = await (async () => {
      for (;;) {
        // What does not pack fills file after file over the same keys, until they are merged with the damaged one.
        await store.commit(keys.map((key) => ({ key, value: randomBytes(100_000) })));
      }
    })().catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: 'PS_BROKER_STORE_CORRUPT',
      message: expect.stringMatching(
        /nothing can be written any more: .*\.ldb is damaged at byte \d+.*penstock broker repair/,
      ) as string,
      facts: { file: expect.stringContaining('.ldb') as string },
    });
    expect((failure as Error).message).not.toContain('\n');
    expect(told).toEqual([failure]);
    await store.close();
  });
});
