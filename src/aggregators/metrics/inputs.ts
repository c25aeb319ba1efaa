import { type AggregateName, takesText } from '../../shared/aggregates/index.js';

/** Longest name of a counter, in characters. Names come from clients, and each is kept for hours, here and in Redis. */
const MAX_NAME_LENGTH = 1024;

/** The name of the only value of a metric without a key. */
export const NO_KEY = 'all';

/**
 * What a client sent, as the name of a counter. Half a surrogate pair, which JSON can say and cutting can make, is a
 * replacement character from the start: it would become one in Redis, where two names would be one field.
 */
function nameOf(text: string): string {
  const short = text.length > MAX_NAME_LENGTH ? `${text.slice(0, MAX_NAME_LENGTH)}…` : text;
  return short.isWellFormed() ? short : short.toWellFormed();
}

/** A text of an entry of a list, for which the same holds; undefined where a producer sent anything else. */
export const shortText = (value: unknown): string | undefined =>
  typeof value === 'string' ? nameOf(value) : undefined;

/** Those of the values that are texts. */
export const shortTexts = <Name extends string>(
  values: Readonly<Record<Name, unknown>>,
): Readonly<Partial<Record<Name, string>>> =>
  Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => {
      const text = shortText(value);
      return text === undefined ? [] : [[name, text]];
    }),
  ) as Partial<Record<Name, string>>;

export type Input = number | string;

/**
 * Counts the input under a key, or under each of several. Clients send numbers where names are expected; nothing else that
 * is no text is taken for one.
 */
export function countUnder(keys: unknown, input: Input, count: (name: string, input: Input) => void): void {
  if (Array.isArray(keys)) for (const each of keys) countOne(each, input, count);
  else countOne(keys, input, count);
}

function countOne(key: unknown, input: Input, count: (name: string, input: Input) => void): void {
  const name = textOf(key);
  if (name !== undefined && name !== '') count(nameOf(name), input);
}

const numberOf = (value: unknown) => (Number.isFinite(value) ? (value as number) : undefined);
const textOf = (value: unknown) => (typeof value === 'string' ? value : numberOf(value)?.toString());

/** What an aggregate takes of each source, by its value; without one it counts, and each is one more. */
export function inputsFrom<Source>(
  aggregate: AggregateName,
  value: ((source: Source) => unknown) | undefined,
): (source: Source) => Input | undefined {
  if (value === undefined) return () => 1;
  const inputOf = inputsOf(aggregate);
  return (source) => inputOf(value(source));
}

/**
 * What an aggregate takes of a value: clients send numbers where texts are expected, and anything else. Texts that are
 * kept are as short, and as sound, as names.
 */
function inputsOf(aggregate: AggregateName): (value: unknown) => Input | undefined {
  if (!takesText(aggregate)) return numberOf;
  if (aggregate === 'first' || aggregate === 'last') return (value) => shortText(value) ?? numberOf(value);
  // Of these no text is kept, but a hash of the whole.
  return aggregate === 'distinct' ? textOf : (value) => shortText(textOf(value));
}
