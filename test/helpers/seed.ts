/** A small generator of pseudo-random numbers (mulberry32), so that a run that finds something can be repeated. */
export function createRandom(seed: number): { below(limit: number): number; pick<T>(items: readonly T[]): T } {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const below = (limit: number) => Math.floor(next() * limit);
  return { below, pick: (items) => items[below(items.length)] as (typeof items)[number] };
}

/** `PENSTOCK_FUZZ_SEED`, or another one every time; printed, so that it can be given again. */
export function fuzzSeed(what: string): number {
  const seed = Number(process.env['PENSTOCK_FUZZ_SEED'] ?? Math.floor(Math.random() * 2 ** 32));
  console.info(`${what}: PENSTOCK_FUZZ_SEED=${seed}`);
  return seed;
}
