import type { FilterValue } from '../topology/types.js';
import type { PropertyName, Statement } from './ast.js';
import { FilterError } from './errors.js';
import { compileExpression, createEnvironment, type Environment } from './evaluate.js';
import { type FilterableMessage, type SystemProperty, systemPropertyOf } from './message.js';
import { parseAction } from './parser.js';

/** One change that an action makes to a message. `value: undefined` removes an application property. */
export type PropertyChange =
  | { readonly scope: 'sys'; readonly name: SystemProperty; readonly value: FilterValue }
  | { readonly scope: 'user'; readonly name: string; readonly value: FilterValue | undefined };

/** The system properties that an action may change; the others belong to the broker. */
const CHANGEABLE: ReadonlySet<SystemProperty> = new Set([
  'MessageId',
  'CorrelationId',
  'SessionId',
  'ReplyTo',
  'ReplyToSessionId',
  'To',
  'Subject',
  'ContentType',
  'PartitionKey',
  'ScheduledEnqueueTimeUtc',
]);

function changeableSystemProperty({ name, position }: PropertyName): SystemProperty {
  const system = systemPropertyOf(name);
  if (system && CHANGEABLE.has(system)) return system;
  throw new FilterError('PS_FILTER_SYNTAX', `an action cannot change sys.${name}`, position);
}

/** System properties are strings but for the one that is a time; other values are written as text. */
function systemValue(name: SystemProperty, value: FilterValue): FilterValue {
  if (value === null) return null;
  if (name !== 'ScheduledEnqueueTimeUtc') return value instanceof Date ? value.toISOString() : String(value);
  const time = value instanceof Date ? value : new Date(typeof value === 'string' ? value : Number.NaN);
  if (Number.isNaN(time.getTime())) throw new FilterError('PS_FILTER_EVALUATION', `${name} takes a time`);
  return time;
}

/** A double stays a double when an integer is assigned to it; otherwise the new value brings its own type. */
const userValue = (existing: FilterValue | undefined, value: FilterValue): FilterValue =>
  typeof existing === 'number' && typeof value === 'bigint' ? Number(value) : value;

/** The message as it is after some changes, so that later statements see what earlier ones did. */
function overlay(message: FilterableMessage) {
  const changes: PropertyChange[] = [];
  const system = new Map<SystemProperty, FilterValue>();
  const user = new Map<string, FilterValue | undefined>();
  return {
    changes,
    view: {
      system: (name) => (system.has(name) ? system.get(name) : message.system(name)),
      property: (name) => (user.has(name) ? user.get(name) : message.property(name)),
    } satisfies FilterableMessage,
    apply(change: PropertyChange) {
      changes.push(change);
      if (change.scope === 'sys') system.set(change.name, change.value);
      else user.set(change.name.toLowerCase(), change.value);
    },
  };
}

function compileStatement(statement: Statement, environment: Environment) {
  const { property } = statement;
  const system = property.scope === 'sys' ? changeableSystemProperty(property) : undefined;
  const evaluate = statement.kind === 'set' ? compileExpression(statement.value, environment) : undefined;
  return (message: FilterableMessage): PropertyChange => {
    const value = evaluate?.(message);
    if (system) return { scope: 'sys', name: system, value: systemValue(system, value ?? null) };
    const { name } = property;
    return {
      scope: 'user',
      name,
      value: value === undefined ? undefined : userValue(message.property(name.toLowerCase()), value),
    };
  };
}

/**
 * Compiles a SQL action (`SET property = expression; REMOVE property; …`) to a function that says what it changes in a message, in
 * order. It throws FilterError PS_FILTER_EVALUATION where the message cannot be evaluated.
 * @throws FilterError when the text is wrong, or changes a system property that only the broker may change
 */
export function compileAction(
  action: string,
  parameters?: Readonly<Record<string, FilterValue>>,
): (message: FilterableMessage) => readonly PropertyChange[] {
  const environment = createEnvironment(parameters);
  const statements = parseAction(action).map((statement) => compileStatement(statement, environment));
  return (message) => {
    const { changes, view, apply } = overlay(message);
    for (const statement of statements) apply(statement(view));
    return changes;
  };
}
