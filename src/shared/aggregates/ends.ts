import type { Aggregate } from './aggregate.js';

type Seen = { readonly timeMs: number; readonly value: string | number } | undefined;

/** Of two at the same time the one that sorts first counts as the earlier, so that their order of arrival does not. */
function isBefore(a: NonNullable<Seen>, b: NonNullable<Seen>): boolean {
  return a.timeMs !== b.timeMs ? a.timeMs < b.timeMs : textOf(a) < textOf(b);
}

const textOf = ({ value }: NonNullable<Seen>) => JSON.stringify(value);

function end(choose: (a: NonNullable<Seen>, b: NonNullable<Seen>) => Seen): Aggregate<string | number, Seen> {
  const merge = (a: Seen, b: Seen) => (a === undefined ? b : b === undefined ? a : choose(a, b));
  return {
    create: () => undefined,
    add: (state, value, timeMs) => merge(state, { timeMs, value }),
    merge,
    encode: (state) => (state === undefined ? '' : JSON.stringify([state.timeMs, state.value])),
    decode(encoded) {
      if (encoded === '') return undefined;
      const [timeMs, value] = JSON.parse(String(encoded)) as [unknown, unknown];
      const sound = typeof timeMs === 'number' && (typeof value === 'string' || typeof value === 'number');
      if (!sound) throw new RangeError('no time and value');
      return { timeMs, value };
    },
    result: (state) => state?.value ?? null,
  };
}

/** The value with the earliest time. */
export const first = end((a, b) => (isBefore(b, a) ? b : a));
/** The value with the latest time. */
export const last = end((a, b) => (isBefore(a, b) ? b : a));
