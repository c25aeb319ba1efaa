import { sipHash } from '../siphash.js';
import type { Aggregate } from './aggregate.js';

/** Hashes of up to `EXACT` values, then the registers of a HyperLogLog. */
export type Distinct = Set<number> | Uint8Array;

const EXACT = 256;
/** 4096 registers: a standard error of 1.04 / √4096 = 1.6 %. */
const INDEX_BITS = 12;
const REGISTERS = 1 << INDEX_BITS;
/** A value is kept as 53 bits of its hash, which a number holds: 32 of the high half and 21 of the low. */
const LOW_BITS = 21;
const RANK_BITS = 32 - INDEX_BITS + LOW_BITS;
/** The same in every process and partition, since their registers are merged. */
const KEY = [0x70656e73, 0x746f636b] as const;

/**
 * How many distinct texts: exact up to 256 (but for equal hashes: one in 10^10 at that size), beyond that a
 * HyperLogLog (Flajolet et al., 2007) with the estimator of Ertl, "New cardinality estimation algorithms for
 * HyperLogLog sketches" (2017), algorithm 6, which needs no corrections for small or large counts.
 */
export const distinct: Aggregate<string, Distinct> = {
  create: () => new Set(),
  add(state, text) {
    const hash = hashOf(text);
    if (state instanceof Uint8Array) register(state, hash);
    else state.add(hash);
    return bounded(state);
  },
  merge(a, b) {
    if (a instanceof Set && b instanceof Set) return bounded(new Set([...a, ...b]));
    const registers = Uint8Array.from(registersOf(a));
    for (const [index, rank] of registersOf(b).entries()) {
      if (rank > (registers[index] as number)) registers[index] = rank;
    }
    return registers;
  },
  encode(state) {
    if (state instanceof Set) return `=${[...state].map((hash) => hash.toString(36)).join(',')}`;
    let text = '~';
    for (const rank of state) text += ALPHABET[rank];
    return text;
  },
  decode(encoded) {
    const text = String(encoded);
    if (text.startsWith('~') && text.length === REGISTERS + 1) {
      return Uint8Array.from(text.slice(1), (letter) => {
        const rank = ALPHABET.indexOf(letter);
        if (rank < 0 || rank > RANK_BITS + 1) throw new RangeError('no register');
        return rank;
      });
    }
    if (!text.startsWith('=')) throw new RangeError('no distinct count');
    const hashes =
      text === '='
        ? []
        : text
            .slice(1)
            .split(',')
            .map((hash) => Number.parseInt(hash, 36));
    if (!hashes.every((hash) => Number.isSafeInteger(hash) && hash >= 0)) throw new RangeError('no hash');
    return distinctOf(hashes);
  },
  result: (state) => (state instanceof Set ? state.size : Math.round(estimate(state))),
};

/** What is kept of a text. */
export function hashOf(text: string): number {
  const { high, low } = sipHash(text, ...KEY);
  return high * 2 ** LOW_BITS + (low >>> (32 - LOW_BITS));
}

/** The state of the texts that have these hashes. */
export const distinctOf = (hashes: Iterable<number>): Distinct => bounded(new Set(hashes));

/** A rank is 42 at the most: one letter. */
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

const bounded = (state: Distinct): Distinct =>
  state instanceof Set && state.size > EXACT ? registersOf(state) : state;

function registersOf(state: Distinct): Uint8Array {
  if (state instanceof Uint8Array) return state;
  const registers = new Uint8Array(REGISTERS);
  for (const hash of state) register(registers, hash);
  return registers;
}

/** The first bits choose the register; it keeps the highest position of the first one among the others. */
function register(registers: Uint8Array, hash: number): void {
  const index = Math.floor(hash / 2 ** RANK_BITS);
  const rest = hash - index * 2 ** RANK_BITS;
  const rank = rest === 0 ? RANK_BITS + 1 : RANK_BITS - Math.floor(Math.log2(rest));
  if (rank > (registers[index] as number)) registers[index] = rank;
}

function estimate(registers: Uint8Array): number {
  const withRank = new Array<number>(RANK_BITS + 2).fill(0);
  for (const rank of registers) (withRank[rank] as number)++;
  let z = REGISTERS * tau(1 - (withRank[RANK_BITS + 1] as number) / REGISTERS);
  for (let rank = RANK_BITS; rank >= 1; rank--) z = 0.5 * (z + (withRank[rank] as number));
  z += REGISTERS * sigma((withRank[0] as number) / REGISTERS);
  return (REGISTERS * REGISTERS) / (2 * Math.LN2 * z);
}

function sigma(x: number): number {
  if (x === 1) return Number.POSITIVE_INFINITY;
  let power = x;
  let y = 1;
  let z = x;
  for (let before = Number.NaN; z !== before; ) {
    before = z;
    power *= power;
    z += power * y;
    y += y;
  }
  return z;
}

function tau(x: number): number {
  if (x === 0 || x === 1) return 0;
  let root = x;
  let y = 1;
  let z = 1 - x;
  for (let before = Number.NaN; z !== before; ) {
    before = z;
    root = Math.sqrt(root);
    y *= 0.5;
    z -= (1 - root) ** 2 * y;
  }
  return z / 3;
}
