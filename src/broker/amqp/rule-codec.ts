import rhea, { type Typed } from 'rhea';
import type { CorrelationFilter, FilterValue, RuleDefinition, RuleFilter } from '../topology/index.js';

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

type Fields = Readonly<Record<string, unknown>>;
const fieldsOf = (value: unknown): Fields | undefined =>
  value !== null && typeof value === 'object' ? (value as Fields) : undefined;

function decodeCorrelation(fields: Fields): CorrelationFilter {
  const correlation: Record<string, unknown> = {};
  for (const field of FIELDS) {
    const value = fields[REQUEST_FIELDS[field]];
    if (typeof value === 'string') correlation[field] = value;
  }
  const properties: Record<string, FilterValue> = {};
  for (const [name, value] of Object.entries(fieldsOf(fields['properties']) ?? {})) {
    // A whole number comes as a JavaScript number, and whole numbers are Int64 in filters.
    if (typeof value === 'number' && Number.isSafeInteger(value)) properties[name] = BigInt(value);
    else if (['string', 'number', 'boolean'].includes(typeof value) || value instanceof Date) {
      properties[name] = value as FilterValue;
    }
  }
  return { ...correlation, ...(Object.keys(properties).length > 0 ? { properties } : {}) };
}

function decodeFilter(description: Fields): RuleFilter | undefined {
  const sql = fieldsOf(description['sql-filter'])?.['expression'];
  if (typeof sql === 'string') return { kind: 'sql', expression: sql };
  const correlation = fieldsOf(description['correlation-filter']);
  if (correlation) return { kind: 'correlation', correlation: decodeCorrelation(correlation) };
  if (fieldsOf(description['true-filter'])) return { kind: 'true' };
  return fieldsOf(description['false-filter']) ? { kind: 'false' } : undefined;
}

/** The rule of an `add-rule` request; undefined when it cannot be read. */
export function decodeRule(name: unknown, description: unknown): RuleDefinition | undefined {
  const fields = fieldsOf(description);
  const filter = fields && decodeFilter(fields);
  if (typeof name !== 'string' || name === '' || filter === undefined) return undefined;
  const action = fieldsOf(fields?.['sql-rule-action'])?.['expression'];
  return { name, filter, ...(typeof action === 'string' && action !== '' ? { action } : {}) };
}
