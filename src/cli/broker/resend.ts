import type { DeadLetter, DeadLetterTaker } from '../../messaging/index.js';

export interface ResendOptions {
  /** Most dead letters that are sent again. */
  readonly max: number;
  /** Dead letters that are looked at: those that were there at the beginning. */
  readonly present: number;
  /** Only dead letters with this reason. */
  readonly reason?: string | undefined;
  /** Whether the target drops a message whose id it has seen: then each gets a new id, always the same one. */
  readonly newIds: boolean;
  readonly onProgress: (tally: ResendTally) => void;
}

export interface ResendTally {
  readonly sent: number;
  readonly skipped: number;
}

const AT_ONCE = 32;
/** Dead letters of other reasons are held, so that they do not come again; more would be too much. */
const MAX_HELD = 5_000;
const MAX_ID_CHARACTERS = 128;

/**
 * The id under which a dead letter is sent to an entity that detects duplicates. It depends on nothing but the dead
 * letter, so that one that is sent again after a crash is a duplicate of itself.
 */
export function newIdOf({ messageId, sequenceNumber }: Pick<DeadLetter, 'messageId' | 'sequenceNumber'>) {
  if (messageId === undefined) return undefined;
  const suffix = `-resubmitted-${sequenceNumber}`;
  return messageId.slice(0, MAX_ID_CHARACTERS - suffix.length) + suffix;
}

/**
 * Sends dead letters again. Each is taken out only once the broker has it at its new place, so that whenever this is
 * killed none is lost; the one in hand may then be sent twice, with the same id.
 */
export async function resend(taker: DeadLetterTaker, options: ResendOptions): Promise<ResendTally> {
  const { max, present, reason, newIds, onProgress } = options;
  const seen = new Set<string>();
  const held: DeadLetter[] = [];
  let sent = 0;

  const isDone = () => sent >= max || seen.size >= present || held.length >= MAX_HELD;

  async function handle(letter: DeadLetter): Promise<void> {
    if (reason !== undefined && letter.reason !== reason) {
      held.push(letter);
      return;
    }
    await letter.resend(newIds ? newIdOf(letter) : undefined);
    await letter.complete();
    sent++;
  }

  /** Answers whether there may be more: not when only those come that are known. */
  async function round(): Promise<boolean> {
    const letters = await taker.take(Math.min(AT_ONCE, max - sent, present - seen.size));
    const [fresh, known] = [
      letters.filter(({ sequenceNumber }) => !seen.has(sequenceNumber)),
      letters.filter(({ sequenceNumber }) => seen.has(sequenceNumber)),
    ];
    held.push(...known);
    for (const [index, letter] of fresh.entries()) {
      seen.add(letter.sequenceNumber);
      try {
        await handle(letter);
      } catch (error) {
        held.push(...fresh.slice(index));
        throw error;
      }
    }
    onProgress({ sent, skipped: seen.size - sent });
    return fresh.length > 0;
  }

  try {
    while (!isDone()) if (!(await round())) break;
  } finally {
    // What cannot be given back comes back by itself, when its lock ends.
    await Promise.allSettled(held.map((letter) => letter.release()));
  }
  return { sent, skipped: seen.size - sent };
}
