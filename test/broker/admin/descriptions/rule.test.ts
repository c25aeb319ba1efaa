import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { entryDocument, parseEntry } from '../../../../src/broker/admin/atom.js';
import { readRule, ruleEntry } from '../../../../src/broker/admin/descriptions/rule.js';
import { AdminError } from '../../../../src/broker/admin/index.js';
import type { CorrelationFilter, FilterValue, RuleDefinition } from '../../../../src/broker/topology/index.js';

const base = { origin: 'https://localhost:5672', apiVersion: '2021-05' };
const written = (definition: RuleDefinition) =>
  entryDocument(base, ruleEntry('t', 's', { definition, runtime: { createdAtMs: 0 } }));
const again = (definition: RuleDefinition) => readRule('$Default', parseEntry(written(definition)));

const body = (rule: string) =>
  parseEntry(`<entry xmlns="a"><content><RuleDescription xmlns:i="b">${rule}</RuleDescription></content></entry>`);

const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });
const value: fc.Arbitrary<FilterValue> = fc.oneof(
  text,
  fc.double({ noNaN: true, noDefaultInfinity: true }).filter((number) => !Object.is(number, -0)),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.boolean(),
  fc.date({ noInvalidDate: true, min: new Date('1970-01-01'), max: new Date('2100-01-01') }),
);
const values = fc.dictionary(text, value, { minKeys: 1, maxKeys: 4 });
const correlation = fc
  .record(
    {
      correlationId: text,
      messageId: text,
      to: text,
      replyTo: text,
      subject: text,
      sessionId: text,
      replyToSessionId: text,
      contentType: text,
      properties: values,
    },
    { requiredKeys: [] },
  )
  .filter((filter) => Object.keys(filter).length > 0) as fc.Arbitrary<CorrelationFilter>;
const name = fc.stringMatching(/^[a-z][a-z0-9._-]{0,10}$/);
const sql = text.filter((expression) => !/^\s*1\s*=\s*[01]\s*$/.test(expression));

const rule = fc.record(
  {
    name,
    filter: fc.oneof(
      fc.constant({ kind: 'true' as const }),
      fc.constant({ kind: 'false' as const }),
      sql.map((expression) => ({ kind: 'sql' as const, expression })),
      fc.record({ kind: fc.constant('sql' as const), expression: text, parameters: values }),
      correlation.map((given) => ({ kind: 'correlation' as const, correlation: given })),
    ),
    action: text,
  },
  { requiredKeys: ['name', 'filter'] },
) as fc.Arbitrary<RuleDefinition>;

describe('the description of a rule', () => {
  it('is read back as what was written, whatever its filter and values', () => {
    fc.assert(
      fc.property(rule, (definition) => {
        expect(again(definition)).toEqual(definition);
      }),
      { numRuns: 300 },
    );
  });

  it('takes the SQL that means everything and nothing for what it means', () => {
    const filterOf = (expression: string) =>
      readRule('r', body(`<Filter i:type="SqlFilter"><SqlExpression>${expression}</SqlExpression></Filter>`)).filter;
    expect([filterOf('1=1'), filterOf(' 1 = 0 ')]).toEqual([{ kind: 'true' }, { kind: 'false' }]);
  });

  it('reads the types that other clients write', () => {
    const pair = (type: string, content: string) =>
      `<KeyValueOfstringanyType><Key>k</Key><Value x:type="d6p1:${type}">${content}</Value></KeyValueOfstringanyType>`;
    const read = (type: string, content: string) => {
      const filter = readRule(
        'r',
        body(`<Filter i:type="CorrelationFilter"><Properties>${pair(type, content)}</Properties></Filter>`),
      ).filter;
      return filter.kind === 'correlation' ? filter.correlation.properties?.['k'] : undefined;
    };
    expect(read('int', '-5')).toBe(-5n);
    expect(read('long', '9223372036854775807')).toBe(9223372036854775807n);
    expect(read('float', '1.5')).toBe(1.5);
    expect(read('boolean', '1')).toBe(true);
    expect(read('guid', 'a-b')).toBe('a-b');
    expect(read('dateTime', '2026-01-02T03:04:05Z')).toEqual(new Date('2026-01-02T03:04:05Z'));
    for (const [type, content] of [
      ['int', '1.5'],
      ['long', '9223372036854775808'],
      ['double', 'much'],
      ['boolean', 'perhaps'],
      ['dateTime', 'soon'],
      ['duration', 'PT1M'],
    ] as const) {
      expect(() => read(type, content)).toThrowError(AdminError);
    }
  });

  it('refuses filters that are none, and correlation filters that compare nothing', () => {
    for (const filter of [
      '<Filter/>',
      '<Filter i:type="OtherFilter"/>',
      '<Filter i:type="CorrelationFilter"/>',
      '<Filter i:type="CorrelationFilter"><Properties/></Filter>',
      '<Filter i:type="CorrelationFilter"><Properties><x/></Properties></Filter>',
    ]) {
      expect(() => readRule('r', body(filter))).toThrowError(AdminError);
    }
  });

  it('lets everything in without a filter', () => {
    expect(readRule('r', body(''))).toEqual({ name: 'r', filter: { kind: 'true' } });
  });
});
