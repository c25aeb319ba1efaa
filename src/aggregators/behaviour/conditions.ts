import type { PenstockEvent } from '../../events/index.js';
import type { Condition } from '../../shared/config/index.js';

/** What a condition compares, and a sequence remembers. */
export type Value = string | number | boolean;

type Memory = Readonly<Record<string, Value>>;

export type Test = (event: PenstockEvent, memory: Memory) => boolean;

/** Longest text that is looked at: values come from clients, and some are kept. */
const MAX_TEXT_LENGTH = 256;

/** A test that passes when all conditions hold. */
export function compile(conditions: readonly Condition[] = []): Test {
  const tests = conditions.map(({ not, ...condition }) => {
    const test = compileOne(not ?? condition);
    return not === undefined ? test : (event: PenstockEvent, memory: Memory) => !test(event, memory);
  });
  return (event, memory) => tests.every((test) => test(event, memory));
}

/** The types that conditions leave: undefined when they leave all. So most events need no further look. */
export function typesOf(conditions: readonly Condition[] = []): ReadonlySet<string> | undefined {
  const types = conditions.find(({ type }) => type !== undefined)?.type;
  return types === undefined ? undefined : new Set(listOf(types));
}

function compileOne(condition: Omit<Condition, 'not'>): Test {
  const { type, property, context } = condition;
  if (type !== undefined) {
    const types = new Set(listOf(type));
    return (event) => types.has(event.type);
  }
  const holds = compileOperator(condition);
  if (property !== undefined) return (event, memory) => holds(propertyOf(event, property), memory);
  return (event, memory) => holds(plainValue(event.data.context?.[context as 'country']), memory);
}

type Holds = (value: Value | undefined, memory: Memory) => boolean;

function compileOperator(condition: Omit<Condition, 'not'>): Holds {
  const { equals, startsWith, sameAs, differsFrom } = condition;
  if (equals !== undefined) return (value) => value === equals;
  if (condition.in !== undefined) {
    const values = new Set(condition.in);
    return (value) => value !== undefined && values.has(value);
  }
  if (startsWith !== undefined) {
    const starts = listOf(startsWith);
    return (value) => typeof value === 'string' && starts.some((start) => value.startsWith(start));
  }
  if (sameAs !== undefined) return (value, memory) => value !== undefined && value === memory[sameAs];
  if (differsFrom !== undefined) {
    return (value, memory) => {
      // Never what every object has by such a name.
      const remembered = plainValue(memory[differsFrom]);
      return value !== undefined && remembered !== undefined && value !== remembered;
    };
  }
  const { above = -Infinity, atLeast = -Infinity, below = Infinity, atMost = Infinity } = condition;
  return (value) => typeof value === 'number' && value > above && value >= atLeast && value < below && value <= atMost;
}

/** A property of the event: of its first item where that has it, else its own. */
export function propertyOf(event: PenstockEvent, name: string): Value | undefined {
  const properties = event.data.properties;
  const items = properties?.['items'];
  const item = Array.isArray(items) ? (items[0] as Readonly<Record<string, unknown>> | null | undefined) : undefined;
  return plainValue(item?.[name]) ?? plainValue(properties?.[name]);
}

/** Another producer may send anything there. */
export function plainValue(value: unknown): Value | undefined {
  if (typeof value === 'string') return value !== '' && value.length <= MAX_TEXT_LENGTH ? value : undefined;
  return typeof value === 'boolean' || Number.isFinite(value) ? (value as Value) : undefined;
}

const listOf = <T>(one: T | readonly T[]): readonly T[] => (Array.isArray(one) ? (one as readonly T[]) : [one as T]);
