import { sqlFilterOf } from '../../topology/arm.js';
import type { CorrelationFilter, RuleDefinition, RuleFilter } from '../../topology/types.js';
import type { Entry } from '../atom.js';
import { badRequest } from '../errors.js';
import type { RuleInfo } from '../namespace-port.js';
import { childOf, type Element, field, tag, timeField, type Xml } from '../xml.js';
import { readValues, writeValues } from './values.js';

/** Element of each system property of a correlation filter, in the order of the service. */
const CORRELATION_FIELDS = {
  CorrelationId: 'correlationId',
  MessageId: 'messageId',
  To: 'to',
  ReplyTo: 'replyTo',
  Label: 'subject',
  SessionId: 'sessionId',
  ReplyToSessionId: 'replyToSessionId',
  ContentType: 'contentType',
} as const satisfies Record<string, keyof CorrelationFilter>;

/** `i:type`, with whatever prefix it was written. */
const typeOf = (element: Element | undefined) => element?.attributes.get('type')?.replace(/^.*:/, '');

function readCorrelation(filter: Element): RuleFilter {
  const given = Object.entries(CORRELATION_FIELDS).flatMap(([name, key]) => {
    const value = childOf(filter, name)?.text;
    return value === undefined || value === '' ? [] : [[key, value] as const];
  });
  const properties = readValues(childOf(filter, 'Properties'));
  if (given.length === 0 && !properties) throw badRequest('A correlation filter must compare something.');
  return { kind: 'correlation', correlation: { ...Object.fromEntries(given), ...(properties ? { properties } : {}) } };
}

function readSql(filter: Element): RuleFilter {
  const expression = childOf(filter, 'SqlExpression')?.text ?? '';
  const parameters = readValues(childOf(filter, 'Parameters'));
  return parameters ? { kind: 'sql', expression, parameters } : sqlFilterOf(expression);
}

function readFilter(filter: Element | undefined): RuleFilter {
  const type = typeOf(filter);
  if (filter === undefined || type === 'TrueFilter') return { kind: 'true' };
  if (type === 'FalseFilter') return { kind: 'false' };
  if (type === 'CorrelationFilter') return readCorrelation(filter);
  if (type === 'SqlFilter') return readSql(filter);
  throw badRequest('The filter of a rule is a SqlFilter, a TrueFilter, a FalseFilter or a CorrelationFilter.');
}

function readAction(action: Element | undefined): Pick<RuleDefinition, 'action' | 'actionParameters'> {
  if (typeOf(action) !== 'SqlRuleAction') return {};
  const expression = childOf(action, 'SqlExpression')?.text;
  if (!expression) return {};
  const parameters = readValues(childOf(action, 'Parameters'));
  return { action: expression, ...(parameters ? { actionParameters: parameters } : {}) };
}

/** Reads a RuleDescription. The name is the one of the path where there is one; a default rule may bring its own. */
export function readRule(defaultName: string, description: Element): RuleDefinition {
  return {
    name: childOf(description, 'Name')?.text.trim() || defaultName,
    filter: readFilter(childOf(description, 'Filter')),
    ...readAction(childOf(description, 'Action')),
  };
}

function sqlElement(type: string, expression: string, parameters?: Xml): Xml {
  const level = field('CompatibilityLevel', 20);
  return tag('Filter', { 'i:type': type }, tag('SqlExpression', {}, expression), level, parameters);
}

function filterElement(filter: RuleFilter): Xml {
  switch (filter.kind) {
    case 'true':
      return sqlElement('TrueFilter', '1=1');
    case 'false':
      return sqlElement('FalseFilter', '1=0');
    case 'sql':
      return sqlElement('SqlFilter', filter.expression, writeValues('Parameters', filter.parameters));
    case 'correlation': {
      const { correlation } = filter;
      const system = Object.entries(CORRELATION_FIELDS).map(([name, key]) => field(name, correlation[key]));
      const properties = writeValues('Properties', correlation.properties);
      return tag('Filter', { 'i:type': 'CorrelationFilter' }, ...system, properties);
    }
  }
}

function actionElement({ action, actionParameters }: RuleDefinition): Xml {
  if (action === undefined) return tag('Action', { 'i:type': 'EmptyRuleAction' });
  return tag(
    'Action',
    { 'i:type': 'SqlRuleAction' },
    tag('SqlExpression', {}, action),
    field('CompatibilityLevel', 20),
    writeValues('Parameters', actionParameters),
  );
}

export function ruleEntry(topic: string, subscription: string, { definition, runtime }: RuleInfo): Entry {
  return {
    path: `${topic}/Subscriptions/${subscription}/Rules/${definition.name}`,
    title: definition.name,
    createdAtMs: runtime.createdAtMs,
    updatedAtMs: runtime.createdAtMs,
    root: 'RuleDescription',
    fields: [
      filterElement(definition.filter),
      actionElement(definition),
      timeField('CreatedAt', runtime.createdAtMs),
      field('Name', definition.name),
    ],
  };
}
