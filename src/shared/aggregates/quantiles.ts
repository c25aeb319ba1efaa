import { type Aggregate, numberOf } from './aggregate.js';

/** Counts by bin; values of zero and less have a bin of their own. */
interface Sketch {
  zero: number;
  readonly bins: Map<number, number>;
}

/** A quantile is off by 1 % of its value at the most. */
const ACCURACY = 0.01;
const GAMMA = (1 + ACCURACY) / (1 - ACCURACY);
const LOG_GAMMA = Math.log(GAMMA);
/** From 10^-3 to 10^12; what is beyond is taken for the nearest. So there are 1,730 bins at the most. */
const FIRST_BIN = Math.ceil(Math.log(1e-3) / LOG_GAMMA);
const LAST_BIN = Math.ceil(Math.log(1e12) / LOG_GAMMA);

/**
 * Quantiles of numbers: DDSketch (Masson, Rim and Lee, VLDB 2019) with bins of equal relative width. Its bins are
 * bounded by the range of values and not by collapsing, so that merging loses nothing.
 */
export const quantiles: Aggregate<number, Sketch> = {
  create: () => ({ zero: 0, bins: new Map() }),
  add(state, value) {
    if (value > 0) addTo(state.bins, clamp(Math.ceil(Math.log(value) / LOG_GAMMA)), 1);
    else state.zero++;
    return state;
  },
  merge(a, b) {
    const bins = new Map(a.bins);
    for (const [bin, count] of b.bins) addTo(bins, bin, count);
    return { zero: a.zero + b.zero, bins };
  },
  subtract(a, b) {
    for (const [bin, count] of b.bins) {
      addTo(a.bins, bin, -count);
      if (a.bins.get(bin) === 0) a.bins.delete(bin);
    }
    a.zero -= b.zero;
    return a;
  },
  // In the order of the bins, so that equal sketches are equal texts.
  encode: (state) =>
    `${state.zero};${sorted(state)
      .map(([bin, count]) => `${bin}:${count}`)
      .join(',')}`,
  decode(encoded) {
    const [zero, rest] = String(encoded).split(';');
    if (rest === undefined) throw new RangeError('no sketch');
    const bins = new Map<number, number>();
    for (const pair of rest === '' ? [] : rest.split(',')) {
      const [bin, count] = pair.split(':');
      addTo(bins, clamp(numberOf(bin)), numberOf(count));
    }
    return { zero: numberOf(zero), bins };
  },
  result(state) {
    let count = state.zero;
    for (const inBin of state.bins.values()) count += inBin;
    const bins = sorted(state);
    const at = (quantile: number) => (count === 0 ? null : quantileOf(state.zero, bins, quantile * (count - 1)));
    return { count, p50: at(0.5), p95: at(0.95), p99: at(0.99) };
  },
};

const clamp = (bin: number) => Math.min(LAST_BIN, Math.max(FIRST_BIN, bin));
const addTo = (bins: Map<number, number>, bin: number, count: number) => bins.set(bin, (bins.get(bin) ?? 0) + count);

const sorted = ({ bins }: Sketch) => [...bins].sort(([a], [b]) => a - b);

/** The middle, in relative terms, of the bin that holds the value of this rank. */
function quantileOf(zero: number, bins: readonly (readonly [number, number])[], rank: number): number {
  let below = zero;
  if (rank < below) return 0;
  for (const [bin, count] of bins) {
    below += count;
    if (rank < below) return (2 * GAMMA ** bin) / (GAMMA + 1);
  }
  return (2 * GAMMA ** LAST_BIN) / (GAMMA + 1);
}
