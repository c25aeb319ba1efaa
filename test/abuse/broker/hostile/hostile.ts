import { delay, systemClock } from '../../../../src/shared/clock.js';
import type { Random } from '../../../crash/support/random.js';
import { conditionOf, type FrameClient, HandshakeError, keyOf, openFrames } from '../../../helpers/frame-client.js';

/** Where the broker is, and what a hostile client may draw. */
export interface Target {
  readonly port: number;
  readonly connectionString: string;
  readonly random: Random;
}

/** Does one hostile thing on a connection of its own; answers how the broker took it, and throws when it did not. */
export type Hostile = (target: Target) => Promise<string>;

/** How long the broker may take to answer, on a machine that is busy. */
const ANSWER_MS = 90_000;

/** How long those stay who are within the broker's bounds and do nothing. */
export const staying = ({ random }: Target): Promise<void> => delay(systemClock, 1000 + random.below(9000));

export async function answered<T>(what: string, answer: Promise<T | undefined>): Promise<T> {
  const late = Symbol('late');
  const result = await Promise.race([answer, delay(systemClock, ANSWER_MS).then(() => late)]);
  if (result === late) throw new Error(`${what}: no answer within ${ANSWER_MS} ms`);
  if (result === undefined) throw new Error(`${what}: the connection ended without a word`);
  return result as T;
}

/** The condition with which the link of that name or handle, the session or the connection ends. */
export async function errorOf(client: FrameClient, kind: 'detach' | 'end' | 'close'): Promise<string> {
  const frame = await answered(
    kind,
    client.await(kind, (one) => conditionOf(one) !== undefined),
  );
  return conditionOf(frame) as string;
}

/** Holds the broker to what it has to say. */
export function expected(what: string, got: string, ...allowed: readonly string[]): string {
  if (!allowed.includes(got)) throw new Error(`${what}: ${got}, where ${allowed.join(' or ')} is due`);
  return got;
}

/** That the broker closes the connection by itself. */
export async function closed(client: FrameClient): Promise<string> {
  await answered(
    'the end of the connection',
    client.gone.then(() => true),
  );
  return 'closed';
}

/** A client that has shown the key. */
export const known = ({ port, connectionString }: Target): Promise<FrameClient> =>
  openFrames(port, keyOf(connectionString));

/** A client that is nobody. */
export const stranger = ({ port }: Target): Promise<FrameClient> => openFrames(port);

/** The broker gives a connection 10 s for its first bytes; a crowd on a busy machine may take longer for them. */
const SLOW_MS = 9000;

/** Runs on a client that is gone afterwards, whatever comes. */
export async function using(open: Promise<FrameClient>, run: (client: FrameClient) => Promise<string>) {
  const startMs = performance.now();
  const client = await open.catch((error: unknown) => {
    if (error instanceof HandshakeError && performance.now() - startMs > SLOW_MS) return undefined;
    throw error;
  });
  if (client === undefined) return 'was too slow itself';
  try {
    return await run(client);
  } finally {
    client.destroy();
  }
}
