/**
 * How V8 runs the roles. Under load hundreds of requests are in flight, and with the default young generation (16 MB)
 * their strings live just long enough to be promoted: collecting garbage then costs the gateway a third of its time,
 * much of it in helper threads that compete with the broker for the same cores. It grows only where it is needed.
 */
export const roleNodeFlags: readonly string[] = ['--max-semi-space-size=64'];
