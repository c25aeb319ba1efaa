import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createDailyVisitor } from '../../../src/gateway/policy/daily-visitor.js';

const DAY_MS = 86_400_000;
const saltOf = (day: string) => createHash('sha256').update(day).digest();
const traits = fc.record({ address: fc.ipV4(), userAgent: fc.string() });
const time = fc.integer({ min: 0, max: 20_000 * DAY_MS });

test('a visitor has one id for a day and a site, whichever gateway sees it', () => {
  fc.assert(
    fc.property(traits, time, fc.integer({ min: 0, max: DAY_MS - 1 }), (visitor, nowMs, laterMs) => {
      const startMs = Math.floor(nowMs / DAY_MS) * DAY_MS;
      const one = createDailyVisitor(saltOf).idOf('shop', visitor, startMs);
      const other = createDailyVisitor(saltOf).idOf('shop', visitor, startMs + laterMs);
      expect(one).toBe(other);
      expect(one).toMatch(/^[\w-]{22}$/);
    }),
  );
});

test('another day, site, address or agent is another id', () => {
  fc.assert(
    fc.property(traits, traits, time, (a, b, nowMs) => {
      const visitors = createDailyVisitor(saltOf);
      const id = visitors.idOf('shop', a, nowMs);
      expect(visitors.idOf('blog', a, nowMs)).not.toBe(id);
      expect(visitors.idOf('shop', a, nowMs + DAY_MS)).not.toBe(id);
      if (a.address !== b.address || a.userAgent !== b.userAgent) expect(visitors.idOf('shop', b, nowMs)).not.toBe(id);
    }),
  );
});

test('where the parts of a visitor meet makes a difference', () => {
  const { idOf } = createDailyVisitor(saltOf);
  expect(idOf('a', { address: 'bc', userAgent: 'd' }, 0)).not.toBe(idOf('ab', { address: 'c', userAgent: 'd' }, 0));
  expect(idOf('a', { address: 'b', userAgent: 'cd' }, 0)).not.toBe(idOf('a', { address: 'bc', userAgent: 'd' }, 0));
});

test('the salt is asked for once a day, and let go when the day is over though nobody comes', () => {
  const asked: string[] = [];
  const visitors = createDailyVisitor((day) => {
    asked.push(day);
    return saltOf(day);
  });
  for (const nowMs of [0, 1, DAY_MS - 1]) visitors.idOf('shop', { address: '', userAgent: '' }, nowMs);
  visitors.renew(DAY_MS - 1);
  expect(asked).toEqual(['1970-01-01']);
  visitors.renew(DAY_MS);
  expect(asked).toEqual(['1970-01-01', '1970-01-02']);
});
