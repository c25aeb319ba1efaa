import { describe, expect, it } from 'vitest';
import { createDuplicateHistory } from '../../../src/broker/entities/index.js';

const WINDOW_MS = 1000;

describe('duplicate detection', () => {
  it('knows an id for the length of the window, counted from when it was first seen', () => {
    const history = createDuplicateHistory(1, () => WINDOW_MS, undefined);
    expect(history.check('a', 0)).toBe('new');
    history.record(['a'], 0);
    expect(history.check('a', 999)).toBe('duplicate');
    expect(history.check('a', 1000)).toBe('new');
    expect(history.check('b', 999)).toBe('new');
  });

  it('asks the store for an id that an earlier run may have seen', () => {
    const before = createDuplicateHistory(1, () => WINDOW_MS, undefined);
    const [write] = before.record(['a'], 500);
    const after = createDuplicateHistory(1, () => WINDOW_MS, 500);
    expect(after.check('a', 600)).toBe('unknown');
    expect(after.key('a')).toEqual(write?.key);
    expect(after.judge(write?.value, 600)).toBe('duplicate');
    expect(after.judge(write?.value, 1500)).toBe('new');
    expect(after.judge(undefined, 600)).toBe('new');
    after.record(['a'], 600);
    expect(after.check('a', 700)).toBe('duplicate');
  });

  it('asks the store no longer than the window for what an earlier run may have seen', () => {
    const history = createDuplicateHistory(1, () => WINDOW_MS, 5000);
    expect(history.check('a', 4000)).toBe('unknown');
    expect(history.check('a', 5999)).toBe('unknown');
    expect(history.check('a', 6000)).toBe('new');
  });

  it('asks the store for ids that memory has no room for, and for few others', () => {
    const history = createDuplicateHistory(1, () => WINDOW_MS, undefined);
    const first = Array.from({ length: 2000 }, (_, index) => `purchase:${index}`);
    history.record(first, 0);
    for (let batch = 0; batch < 200; batch++)
      history.record(
        Array.from({ length: 1000 }, (_, index) => `later:${batch}:${index}`),
        1,
      );
    expect(new Set(first.map((id) => history.check(id, 2)))).toEqual(new Set(['unknown']));
    expect(history.check('later:199:999', 2)).toBe('duplicate');
    const others = first.filter((id) => history.check(`another ${id}`, 2) === 'unknown');
    expect(others.length).toBeLessThan(100);
  });

  it('writes one row for all ids of a batch, and forgets an id by it unless it was seen again later', () => {
    const history = createDuplicateHistory(1, () => WINDOW_MS, undefined);
    const writes = [...history.record(['a'], 0), ...history.record(['b'], 1)];
    history.contribute(writes);
    const row = writes.at(-1);
    expect(JSON.parse(row?.value?.toString() ?? '')).toEqual(['a', 'b']);
    history.contribute(writes);
    expect(writes).toHaveLength(3);
    const later = history.record(['a'], 2000)[0];
    const stored = [later?.value, writes[1]?.value];
    const forgotten = history.forget({ key: row?.key ?? Buffer.alloc(0), timeMs: 1 }, ['a', 'b'], stored);
    expect(forgotten.map(({ key, value }) => [key.toString('hex'), value])).toEqual([
      [row?.key.toString('hex'), undefined],
      [history.key('b').toString('hex'), undefined],
    ]);
  });
});
