import { expect, test } from 'vitest';
import { createGenerations, remember } from '../../src/shared/remember.js';

test('a question that comes again and again is answered once, whatever comes between', () => {
  const asked: string[] = [];
  const answer = remember((question) => {
    asked.push(question);
    return question.length;
  }, 10);
  for (let other = 0; other < 100; other++) {
    expect(answer('often')).toBe(5);
    answer(`other ${other}`);
  }
  expect(asked.filter((question) => question === 'often')).toHaveLength(1);
});

test('a flood of new keys costs memory only up to the bound', () => {
  const map = createGenerations<number>(100);
  for (let key = 0; key < 10_000; key++) map.set(`key ${key}`, key);
  expect(map.size()).toBeLessThanOrEqual(200);
  expect(map.get('key 9999')).toBe(9999);
  expect(map.get('key 0')).toBeUndefined();
});
