import { describe, expect, it } from 'vitest';
import { createOccurrences, stableId } from '../../src/import/identity.js';

describe('ids from content', () => {
  it('the same parts give the same id, and other parts another', () => {
    expect(stableId('a', 'b')).toBe(stableId('a', Buffer.from('b')));
    expect(stableId('ab', 'c')).not.toBe(stableId('a', 'bc'));
    expect(stableId('a')).not.toBe(stableId('a', ''));
  });

  it('occurrences are counted from 0', () => {
    const occurrenceOf = createOccurrences();
    expect(['a', 'b', 'a', 'a'].map(occurrenceOf)).toEqual([0, 0, 1, 2]);
  });

  it('only so many contents are remembered, the last used ones', () => {
    const occurrenceOf = createOccurrences(2);
    expect(['a', 'b', 'a', 'c', 'a', 'b'].map(occurrenceOf)).toEqual([0, 0, 1, 0, 2, 0]);
  });
});
