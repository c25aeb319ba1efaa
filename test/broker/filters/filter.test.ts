import { describe, expect, it } from 'vitest';
import { compileFilter, FilterError } from '../../../src/broker/filters/index.js';
import { message } from './message.js';
import { errorOf, holds, sql, subject } from './sql.js';

/** Unknown is what neither a condition nor its negation holds for. */
function truth(expression: string): 'true' | 'false' | 'unknown' {
  const [yes, no] = [holds(expression), holds(`NOT (${expression})`)];
  return yes ? 'true' : no ? 'false' : 'unknown';
}
const table = (rows: readonly (readonly [string, string])[]) => {
  expect(rows.map(([expression]) => [expression, truth(expression)])).toEqual(rows);
};

describe('comparisons', () => {
  it('compare strings by their code units, in their case', () => {
    table([
      ["s = 'text'", 'true'],
      ["s = 'Text'", 'false'],
      ["s <> 'other'", 'true'],
      ["s != 'text'", 'false'],
      ["s > 'tex'", 'true'],
      ["s >= 'text'", 'true'],
      ["s < 'a'", 'false'],
      ["s <= 'text'", 'true'],
    ]);
  });

  it('compare integers and doubles by what they are worth', () => {
    table([
      ['i = 5', 'true'],
      ['i = 5.0', 'true'],
      ['i > 4.99', 'true'],
      ['d >= 2.5', 'true'],
      ['d < 2', 'false'],
      ['d = 25E-1', 'true'],
      ['9007199254740993 = 9007199254740992.0', 'false'],
      ['9223372036854775807 > -9223372036854775808', 'true'],
    ]);
  });

  it('compare booleans for equality only, and dates by time', () => {
    table([
      ['t = TRUE', 'true'],
      ['f <> true', 'true'],
      ['t > FALSE', 'unknown'],
      ['at = sys.EnqueuedTimeUtc', 'true'],
      ['at > sys.EnqueuedTimeUtc', 'false'],
    ]);
  });

  it('do not know about values of different kinds', () => {
    table([
      ["i = '5'", 'unknown'],
      ["i <> '5'", 'unknown'],
      ["t = 'true'", 'unknown'],
      ["at > '2026'", 'unknown'],
    ]);
  });

  it('do not know about missing and null properties', () => {
    table([
      ['missing = 1', 'unknown'],
      ['missing <> 1', 'unknown'],
      ['n = NULL', 'unknown'],
      ['NULL = NULL', 'unknown'],
      ['missing = missing', 'unknown'],
    ]);
  });
});

describe('logic', () => {
  it("follows Kleene's tables", () => {
    table([
      ['i = 5 AND d = 2.5', 'true'],
      ['i = 5 AND missing = 1', 'unknown'],
      ['missing = 1 AND i = 5', 'unknown'],
      ['i = 6 AND missing = 1', 'false'],
      ['missing = 1 AND i = 6', 'false'],
      ['i = 5 OR missing = 1', 'true'],
      ['missing = 1 OR i = 5', 'true'],
      ['i = 6 OR missing = 1', 'unknown'],
      ['NOT missing = 1', 'unknown'],
      ['NOT i = 6', 'true'],
    ]);
  });

  it('binds NOT before AND before OR', () => {
    table([
      ['i = 5 OR i = 5 AND i = 6', 'true'],
      ['(i = 5 OR i = 5) AND i = 6', 'false'],
      ['NOT i = 5 OR i = 5', 'true'],
      ['NOT (i = 5 OR i = 5)', 'false'],
      ['NOT NOT i = 5', 'true'],
    ]);
  });

  it('reads keywords in any case', () => {
    table([["s Like 'te%' aNd not i In (1) or Missing Is Null", 'true']]);
  });
});

describe('tests', () => {
  it('IS NULL holds for missing and for null properties', () => {
    table([
      ['missing IS NULL', 'true'],
      ['n IS NULL', 'true'],
      ['s IS NULL', 'false'],
      ['s IS NOT NULL', 'true'],
      ['missing IS NOT NULL', 'false'],
      ['sys.CorrelationId IS NULL', 'true'],
      ['sys.MessageId IS NOT NULL', 'true'],
    ]);
  });

  it('EXISTS holds for properties that are there, null or not', () => {
    table([
      ['EXISTS(s)', 'true'],
      ['EXISTS(n)', 'true'],
      ['exists ( missing )', 'false'],
      ['NOT EXISTS(missing)', 'true'],
      ['EXISTS(sys.MessageId)', 'true'],
      ['EXISTS(sys.CorrelationId)', 'false'],
    ]);
  });

  it('IN holds for any equal member, and does not know where it might be', () => {
    table([
      ["s IN ('a', 'text')", 'true'],
      ["s IN ('a', 'b')", 'false'],
      ["s NOT IN ('a', 'b')", 'true'],
      ['i IN (2 + 3)', 'true'],
      ['missing IN (1, 2)', 'unknown'],
      ['i IN (1, missing)', 'unknown'],
      ['i IN (5, missing)', 'true'],
      ["i IN ('5', 5)", 'true'],
    ]);
  });

  it('LIKE knows any run, any one character, and escapes', () => {
    table([
      ["s LIKE 'text'", 'true'],
      ["s LIKE 't%'", 'true'],
      ["s LIKE '%xt'", 'true'],
      ["s LIKE '%e%t%'", 'true'],
      ["s LIKE 't__t'", 'true'],
      ["s LIKE 't_t'", 'false'],
      ["s LIKE 'T%'", 'false'],
      ["s LIKE '%'", 'true'],
      ["s LIKE ''", 'false'],
      ["'' LIKE '%'", 'true'],
      ["'' LIKE '_'", 'false'],
      ["s NOT LIKE 'x%'", 'true'],
      ["s LIKE 'te' + '%'", 'true'],
      ["'50%' LIKE '50!%' ESCAPE '!'", 'true'],
      ["'505' LIKE '50!%' ESCAPE '!'", 'false'],
      ["'a_b' LIKE 'a\\_b' ESCAPE '\\'", 'true'],
      ["'a!b' LIKE 'a!!b' ESCAPE '!'", 'true'],
      ["'aab' LIKE '%ab'", 'true'],
      ["'ab' LIKE 'ab%ab'", 'false'],
      ["missing LIKE 'a'", 'unknown'],
      ["i LIKE '5'", 'unknown'],
      ['s LIKE missing', 'unknown'],
      ["s LIKE 'a' ESCAPE missing", 'unknown'],
    ]);
  });

  it('LIKE is quick on patterns that make matchers backtrack', () => {
    const long = message({ s: `${'a'.repeat(20_000)}c` });
    expect(sql(`s LIKE '${'%a'.repeat(200)}b'`)(long)).toBe(false);
    expect(sql(`s LIKE '${'%_a'.repeat(100)}b'`)(long)).toBe(false);
  });
});

describe('expressions', () => {
  it('calculate as C# does', () => {
    table([
      ['i + 1 = 6', 'true'],
      ['i - 1 - 1 = 3', 'true'],
      ['i * 2 + 1 = 11', 'true'],
      ['1 + i * 2 = 11', 'true'],
      ['(1 + i) * 2 = 12', 'true'],
      ['7 / 2 = 3', 'true'],
      ['-7 / 2 = -3', 'true'],
      ['7 / 2.0 = 3.5', 'true'],
      ['-7 % 3 = -1', 'true'],
      ['-i = -5', 'true'],
      ['- -i = +5', 'true'],
      ['i - -1 = 6', 'true'],
      ['9223372036854775807 + 1 = -9223372036854775808', 'true'],
      ["s + '!' = 'text!'", 'true'],
      ['1.0 / 0 > 1E300', 'true'],
    ]);
  });

  it('do not know what a missing or unfit operand gives', () => {
    table([
      ['missing + 1 = 1', 'unknown'],
      ["s + 1 = 'text1'", 'unknown'],
      ['-s = 1', 'unknown'],
      ['+s = 1', 'unknown'],
      ['t + 1 = 2', 'unknown'],
    ]);
  });

  it('fail on an integer division by zero', () => {
    for (const expression of ['i / 0 = 1', 'i % 0 = 1']) {
      expect(() => holds(expression)).toThrowError(expect.objectContaining({ code: 'PS_FILTER_EVALUATION' }));
    }
  });

  it('read application properties by any spelling of the name', () => {
    table([
      ['S = user.s', 'true'],
      ['USER.i = 5', 'true'],
      ['[odd name] = 1', 'true'],
      ['[a]]b"c] = 2', 'true'],
      ['"a]b""c" = 2', 'true'],
      ['user.[odd name] = 1', 'true'],
      ['[select] = 3', 'true'],
      ["property('odd name') = 1", 'true'],
      ["p('odd' + ' name') = 1", 'true'],
      ['p(missing) = 1', 'unknown'],
      ['p(i) = 1', 'unknown'],
    ]);
  });

  it('read system properties, the old name of the subject included', () => {
    table([
      ["sys.MessageId = 'm-1'", 'true'],
      ["SYS.messageid = 'm-1'", 'true'],
      ["sys.Label = 'greeting'", 'true'],
      ["sys.Subject = 'greeting'", 'true'],
      ["MessageId = 'm-1'", 'unknown'],
    ]);
  });

  it('fail on a system property that does not exist, when they are evaluated', () => {
    const filter = sql("s = 'other' AND sys.Nonsense = 1");
    expect(filter(message({ s: 'text' }))).toBe(false);
    expect(() => filter(message({ s: 'other' }))).toThrowError(FilterError);
  });

  it('make a new id each time', () => {
    table([
      ['newid() <> newid()', 'true'],
      ["newid() LIKE '________-____-____-____-____________'", 'true'],
    ]);
  });

  it('take parameters, with or without the sign before their names', () => {
    expect(holds('i = @five AND s LIKE @shape', { '@five': 5n, shape: 't%' })).toBe(true);
    expect(holds('n IS NULL AND i <> @none', { none: null })).toBe(false);
    expect(errorOf('i = @unknown')).toMatchObject({ code: 'PS_FILTER_UNKNOWN_PARAMETER', position: 4 });
  });

  it('read doubled quotes as one', () => {
    expect(sql("s = 'it''s'")(message({ s: "it's" }))).toBe(true);
    expect(sql("s = ''")(message({ s: '' }))).toBe(true);
  });

  it('read names in any script', () => {
    expect(sql('größe_1 > 2')(message({ Größe_1: 3n }))).toBe(true);
  });
});

describe('true and false filters', () => {
  it('match everything and nothing', () => {
    expect([compileFilter({ kind: 'true' })(subject), compileFilter({ kind: 'false' })(subject)]).toEqual([
      true,
      false,
    ]);
    expect([holds('1=1'), holds('1=0')]).toEqual([true, false]);
  });
});
