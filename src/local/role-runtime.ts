/**
 * The largest young generation, of which there are two halves. V8 takes the next power of two, and it grows only where it
 * is needed.
 */
const YOUNG_GENERATION_MB: Readonly<Record<string, number>> = {
  // It holds little at a time; what it makes is memory for sockets, outside of V8's heap, which is freed with the young
  // generation each time twice this much has come together.
  broker: 8,
  // It fills what it may have within a minute of load, and is to come through an outage in 256 MB: `npm run outage` took
  // 193 MB at the most in 10 minutes without the broker, and 249 MB behind them. V8's default of 16 is no faster.
  gateway: 8,
};
const DEFAULT_MB = 64;

const HEAP_FLAGS: Readonly<Record<string, readonly string[]>> = {
  // V8 looks through the whole heap when it has grown by so much since the last time, and counts memory outside of the heap,
  // but not what of it was freed meanwhile. The broker's heap is 19 MB, so each 8 MB of what came through its sockets were
  // enough: several times a second under load, for half of its CPU time. With 200 there is one look where there were five
  // (measured: 4.6 to 5.0 µs an event of a batch, against 6.7 to 10.3).
  broker: ['--heap-growing-percent=200'],
  // Where most of what one place in the code allocates outlives a collection, as what waits for a broker does, V8 puts all
  // that comes from there into the old generation at once. There it lies dead until the whole heap is looked through, and
  // keeps alive what it refers to, which is moved after it: whole requests, and all that follow. Which places these are is
  // a matter of luck, from one start to the next. Measured, where it came to that: 29 % of what was allocated outlived its
  // request, for collections of 10 ms and 50 MB of memory; without it 8 %, and 5 ms.
  gateway: ['--no-allocation-site-pretenuring'],
};

/** Flags of Node for a role. */
export function roleNodeFlags(role: string): readonly string[] {
  return [`--max-semi-space-size=${YOUNG_GENERATION_MB[role] ?? DEFAULT_MB}`, ...(HEAP_FLAGS[role] ?? [])];
}

/**
 * glibc's allocator, which serves what is outside of V8's heap. It raises the size from which memory goes back to the system
 * as soon as it is freed to that of the largest piece that was ever freed, and has an arena for each thread: what a spool that
 * fills and drains leaves free in them came to tens of megabytes (man 3 mallopt).
 */
const ALLOCATOR: Readonly<Record<string, string>> = {
  MALLOC_ARENA_MAX: '2',
  MALLOC_MMAP_THRESHOLD_: String(128 * 1024),
};

/** What a role is started with in its environment. */
export const roleEnvironment = (role: string): Readonly<Record<string, string>> =>
  role === 'gateway' ? ALLOCATOR : {};
