import type { CorrelationFilter, FilterValue } from '../topology/types.js';
import type { FilterableMessage, SystemProperty } from './message.js';
import { compare } from './values.js';

const FIELDS = [
  ['correlationId', 'CorrelationId'],
  ['messageId', 'MessageId'],
  ['to', 'To'],
  ['replyTo', 'ReplyTo'],
  ['subject', 'Subject'],
  ['sessionId', 'SessionId'],
  ['replyToSessionId', 'ReplyToSessionId'],
  ['contentType', 'ContentType'],
] as const satisfies readonly (readonly [keyof CorrelationFilter, SystemProperty])[];

/**
 * All that is given must be equal, strings in their case; a filter that gives nothing matches everything. Equality is
 * that of the SQL filters, so that an integer property equals a double of the same worth.
 */
export function compileCorrelation(filter: CorrelationFilter): (message: FilterableMessage) => boolean {
  const system: (readonly [SystemProperty, string])[] = [];
  for (const [field, name] of FIELDS) {
    const value = filter[field];
    if (value !== undefined) system.push([name, value]);
  }
  const user = Object.entries(filter.properties ?? {}).map(([name, value]): readonly [string, FilterValue] => [
    name.toLowerCase(),
    value,
  ]);
  return (message) =>
    system.every(([name, value]) => message.system(name) === value) &&
    user.every(([name, value]) => compare('=', message.property(name) ?? null, value) === true);
}
