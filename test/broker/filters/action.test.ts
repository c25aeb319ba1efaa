import { describe, expect, it } from 'vitest';
import { compileAction, FilterError } from '../../../src/broker/filters/index.js';
import { message } from './message.js';

const changes = (action: string, user = {}, system = {}) => compileAction(action)(message(user, system));

describe('a SQL action', () => {
  it('sets and removes application properties, in order', () => {
    expect(changes("SET country = 'SE'; REMOVE old; SET n = 1 + 2")).toEqual([
      { scope: 'user', name: 'country', value: 'SE' },
      { scope: 'user', name: 'old', value: undefined },
      { scope: 'user', name: 'n', value: 3n },
    ]);
  });

  it('takes statements apart by semicolons, commas or white space alone', () => {
    for (const action of ['SET a = 1; SET b = 2;', 'SET a = 1, SET b = 2', 'set a = 1\nset b = 2']) {
      expect(changes(action).map((change) => change.name)).toEqual(['a', 'b']);
    }
  });

  it('lets a statement see what the ones before it did', () => {
    expect(changes('SET a = a + 1; SET b = a * 2; REMOVE a; SET c = a', { a: 1n })).toEqual([
      { scope: 'user', name: 'a', value: 2n },
      { scope: 'user', name: 'b', value: 4n },
      { scope: 'user', name: 'a', value: undefined },
      { scope: 'user', name: 'c', value: null },
    ]);
  });

  it('sets system properties as text, and the scheduled time as a time', () => {
    const time = '2026-11-21T12:00:00.000Z';
    expect(
      changes(
        `SET sys.Label = 5; SET sys.CorrelationId = sys.MessageId; SET sys.ScheduledEnqueueTimeUtc = '${time}'; REMOVE sys.To`,
        {},
        { MessageId: 'm' },
      ),
    ).toEqual([
      { scope: 'sys', name: 'Subject', value: '5' },
      { scope: 'sys', name: 'CorrelationId', value: 'm' },
      { scope: 'sys', name: 'ScheduledEnqueueTimeUtc', value: new Date(time) },
      { scope: 'sys', name: 'To', value: null },
    ]);
    expect(() => changes("SET sys.ScheduledEnqueueTimeUtc = 'soon'")).toThrowError(FilterError);
  });

  it('keeps a double a double', () => {
    expect(changes('SET score = 1', { score: 0.5 })).toEqual([{ scope: 'user', name: 'score', value: 1 }]);
    expect(changes('SET score = 1', { score: 5n })).toEqual([{ scope: 'user', name: 'score', value: 1n }]);
  });

  it('refuses what only the broker may change, and what does not exist', () => {
    for (const action of ['SET sys.SequenceNumber = 1', 'REMOVE sys.EnqueuedTimeUtc', 'SET sys.Nonsense = 1']) {
      expect(() => compileAction(action)).toThrowError(expect.objectContaining({ code: 'PS_FILTER_SYNTAX' }));
    }
  });

  it('refuses what is no action', () => {
    for (const action of [
      '',
      'a = 1',
      'SET a',
      'SET a = 1 = 2',
      'SET 1 = 2',
      'REMOVE',
      'SET a = b = 1',
      'SET a = (b = 1)',
    ]) {
      expect(() => compileAction(action)).toThrowError(expect.objectContaining({ code: 'PS_FILTER_SYNTAX' }));
    }
  });

  it('has 32 statements at the most', () => {
    const action = (count: number) => Array.from({ length: count }, (_, index) => `SET a${index} = 1`).join(';');
    expect(changes(action(32))).toHaveLength(32);
    expect(() => compileAction(action(33))).toThrowError(expect.objectContaining({ code: 'PS_FILTER_LIMIT' }));
  });

  it('may use the words SET and REMOVE as names', () => {
    expect(changes('SET set = remove', { remove: 'x' })).toEqual([{ scope: 'user', name: 'set', value: 'x' }]);
  });
});
