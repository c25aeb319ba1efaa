/**
 * How V8 runs the roles. Under load hundreds of requests are in flight, and with the default young generation (16 MB)
 * their strings live just long enough to be promoted: collecting garbage then costs the gateway a third of its time,
 * much of it in helper threads that compete with the broker for the same cores. It grows only where it is needed.
 */
const YOUNG_GENERATION_MB: Readonly<Record<string, number>> = {
  // It holds less at a time, and is to stay below 300 MB in all: V8 keeps three times this much.
  broker: 32,
};
const DEFAULT_MB = 64;

export const roleNodeFlags = (role: string): readonly string[] => [
  `--max-semi-space-size=${YOUNG_GENERATION_MB[role] ?? DEFAULT_MB}`,
];
