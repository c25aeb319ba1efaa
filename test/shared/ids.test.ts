import { expect, test } from 'vitest';
import { createUuidV7Source } from '../../src/shared/ids.js';

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

test('ids are UUIDs of version 7 that begin with their time, and none comes twice', () => {
  let nowMs = Date.UTC(2026, 10, 21);
  const ids = createUuidV7Source(() => nowMs);
  const made = new Set<string>();
  for (let index = 0; index < 5_000; index++) {
    nowMs += index % 3;
    const id = ids.next();
    expect(id).toMatch(UUID_V7);
    expect(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)).toBe(nowMs);
    made.add(id);
  }
  expect(made.size).toBe(5_000);
});

test('the random bits are the ones that were given', () => {
  const ids = createUuidV7Source(
    () => 0x0123456789ab,
    (bytes) => Buffer.alloc(bytes, 0xff),
  );
  expect(ids.next()).toBe('01234567-89ab-7fff-bfff-ffffffffffff');
});
