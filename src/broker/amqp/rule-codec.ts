import rhea, { type Typed } from 'rhea';
import type { CorrelationFilter, FilterValue, RuleDefinition, RuleFilter } from '../topology/index.js';
import { BadField, type Fields, optionalMap, optionalText, textField } from './fields.js';

const { types } = rhea;

/** Descriptor codes as the clients compare them: filters have 40 bits, rules and actions 44. */
const CODE = {
  rule: 0x13700000004,
  emptyAction: 0x13700000005,
  sqlAction: 0x13700000006,
  sqlFilter: 0x1370000006,
  trueFilter: 0x1370000007,
  falseFilter: 0x1370000008,
  correlationFilter: 0x1370000009,
} as const;

const described = (code: number, list: readonly unknown[]): Typed => types.wrap_described([...list], code);

const FIELDS = [
  'correlationId',
  'messageId',
  'to',
  'replyTo',
  'subject',
  'sessionId',
  'replyToSessionId',
  'contentType',
] as const;

const REQUEST_FIELDS: Readonly<Record<(typeof FIELDS)[number], string>> = {
  correlationId: 'correlation-id',
  messageId: 'message-id',
  to: 'to',
  replyTo: 'reply-to',
  subject: 'label',
  sessionId: 'session-id',
  replyToSessionId: 'reply-to-session-id',
  contentType: 'content-type',
};

const encodeValue = (value: FilterValue): unknown => {
  if (typeof value === 'bigint') return types.wrap_long(Number(value));
  return typeof value === 'number' ? types.wrap_double(value) : value;
};

function encodeFilter(filter: RuleFilter): Typed {
  switch (filter.kind) {
    case 'true':
      return described(CODE.trueFilter, []);
    case 'false':
      return described(CODE.falseFilter, []);
    case 'sql':
      return described(CODE.sqlFilter, [filter.expression]);
    case 'correlation': {
      const { correlation } = filter;
      const properties = Object.entries(correlation.properties ?? {}).map(([name, value]) => [
        name,
        encodeValue(value),
      ]);
      const fields = FIELDS.map((field) => correlation[field] ?? null);
      return described(CODE.correlationFilter, [...fields, types.wrap_map(Object.fromEntries(properties))]);
    }
  }
}

/** A rule as `enumerate-rules` answers it. */
export function encodeRule({ name, filter, action }: RuleDefinition, createdAtMs: number): unknown {
  const encodedAction = action === undefined ? described(CODE.emptyAction, []) : described(CODE.sqlAction, [action]);
  const rule = [encodeFilter(filter), encodedAction, name, types.wrap_timestamp(createdAtMs)];
  return { 'rule-description': described(CODE.rule, rule) };
}

const DESCRIPTION = 'rule-description';
const CORRELATION = `${DESCRIPTION}.correlation-filter`;

/** A value that a property has to have. Whole numbers are Int64 in filters. */
function propertyValue(name: string, value: unknown): FilterValue {
  if (Buffer.isBuffer(value) && value.length === 8) return value.readBigInt64BE();
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (typeof value === 'string' || typeof value === 'boolean' || value instanceof Date) return value;
  // Left out it would let more through than was meant.
  throw new BadField(`${CORRELATION}.properties.${name}`, 'a string, number, boolean or timestamp is expected');
}

function decodeCorrelation(fields: Fields): CorrelationFilter {
  const correlation: Record<string, unknown> = {};
  for (const field of FIELDS) {
    const value = optionalText(fields, `${CORRELATION}.${REQUEST_FIELDS[field]}`);
    if (value !== undefined) correlation[field] = value;
  }
  const given = Object.entries(optionalMap(fields, `${CORRELATION}.properties`) ?? {});
  const properties = given
    .filter(([, value]) => value !== null)
    .map(([name, value]) => [name, propertyValue(name, value)] as const);
  return { ...correlation, ...(properties.length > 0 ? { properties: Object.fromEntries(properties) } : {}) };
}

function decodeFilter(description: Fields): RuleFilter {
  const sql = optionalMap(description, `${DESCRIPTION}.sql-filter`);
  if (sql) return { kind: 'sql', expression: textField(sql, `${DESCRIPTION}.sql-filter.expression`) };
  const correlation = optionalMap(description, CORRELATION);
  if (correlation) return { kind: 'correlation', correlation: decodeCorrelation(correlation) };
  if (optionalMap(description, `${DESCRIPTION}.true-filter`)) return { kind: 'true' };
  if (optionalMap(description, `${DESCRIPTION}.false-filter`)) return { kind: 'false' };
  throw new BadField(DESCRIPTION, 'a map with sql-filter, correlation-filter, true-filter or false-filter is expected');
}

/**
 * The rule of an `add-rule` request.
 * @throws BadField
 */
export function decodeRule(body: Fields): RuleDefinition {
  const name = textField(body, 'rule-name');
  if (name === '') throw new BadField('rule-name', 'a name is expected');
  const description = optionalMap(body, DESCRIPTION) ?? {};
  const filter = decodeFilter(description);
  const sql = optionalMap(description, `${DESCRIPTION}.sql-rule-action`);
  const action = sql && optionalText(sql, `${DESCRIPTION}.sql-rule-action.expression`);
  return { name, filter, ...(action === undefined || action === '' ? {} : { action }) };
}
