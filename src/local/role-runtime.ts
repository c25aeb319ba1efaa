/**
 * How V8 runs the roles. Under load hundreds of requests are in flight, and with the default young generation (16 MB)
 * their strings live just long enough to be promoted: collecting garbage then costs the gateway a third of its time,
 * much of it in helper threads that compete with the broker for the same cores. It grows only where it is needed.
 */
const YOUNG_GENERATION_MB: Readonly<Record<string, number>> = {
  // It holds little at a time; what it makes is memory for sockets, outside of V8's heap, which is freed with the young
  // generation each time twice this much has come together.
  broker: 8,
  // It fills what it may have within a minute of load. Through an outage of minutes (`npm run outage`) it took 255 MB of
  // memory with 24, 293 with 32 and 341 with 64; with the allocator as below 250 in 4 minutes with 24.
  gateway: 24,
};
const DEFAULT_MB = 64;

/**
 * V8 looks through the whole heap when it has grown by so much since the last time, and counts memory outside of the heap,
 * but not what of it was freed meanwhile. The broker's heap is 19 MB, so each 8 MB of what came through its sockets were
 * enough: several times a second under load, for half of its CPU time. With 200 there is one look where there were five
 * (measured: 4.6 to 5.0 µs an event of a batch, against 6.7 to 10.3).
 */
const HEAP_GROWTH_PERCENT: Readonly<Record<string, number>> = { broker: 200 };

/** Flags of Node for a role. */
export function roleNodeFlags(role: string): readonly string[] {
  const growth = HEAP_GROWTH_PERCENT[role];
  return [
    `--max-semi-space-size=${YOUNG_GENERATION_MB[role] ?? DEFAULT_MB}`,
    ...(growth === undefined ? [] : [`--heap-growing-percent=${growth}`]),
  ];
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
