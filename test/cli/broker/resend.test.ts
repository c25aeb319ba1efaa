import fc from 'fast-check';
import { expect, it } from 'vitest';
import { newIdOf, resend } from '../../../src/cli/broker/resend.js';
import type { DeadLetterTaker } from '../../../src/messaging/index.js';

/** Dead letters in memory, under locks that may end at any time; and what was sent, in order. */
function createDeadLetters(reasons: readonly string[]) {
  const there = new Map(reasons.map((reason, index) => [String(index + 1), reason]));
  const locked = new Set<string>();
  const sent: { sequenceNumber: string; messageId: string | undefined }[] = [];
  let operations = Number.POSITIVE_INFINITY;
  const step = async () => {
    if (operations-- <= 0) throw new Error('killed');
  };
  const taker: DeadLetterTaker = {
    async take(count) {
      await step();
      const free = [...there].filter(([sequenceNumber]) => !locked.has(sequenceNumber)).slice(0, count);
      return free.map(([sequenceNumber, reason]) => {
        locked.add(sequenceNumber);
        return {
          sequenceNumber,
          messageId: `m${sequenceNumber}`,
          reason,
          async resend(messageId = `m${sequenceNumber}`) {
            await step();
            sent.push({ sequenceNumber, messageId });
          },
          async complete() {
            await step();
            there.delete(sequenceNumber);
          },
          async release() {
            locked.delete(sequenceNumber);
          },
        };
      });
    },
    close: async () => {},
  };
  return {
    taker,
    there,
    sent,
    endLocks: () => locked.clear(),
    killAfter(count: number) {
      operations = count;
    },
  };
}

const all = { max: Number.POSITIVE_INFINITY, newIds: false, onProgress: () => {} };

it('every dead letter is sent once, in order, and is gone', async () => {
  const letters = createDeadLetters(Array.from({ length: 100 }, () => 'odd'));
  expect(await resend(letters.taker, { ...all, present: 100 })).toEqual({ sent: 100, skipped: 0 });
  expect(letters.sent.map(({ sequenceNumber }) => Number(sequenceNumber))).toEqual(letters.sent.map((_, i) => i + 1));
  expect(letters.there.size).toBe(0);
});

it('those of other reasons stay, and can be taken at once by the next one', async () => {
  const letters = createDeadLetters(['odd', 'even', 'odd', 'even']);
  expect(await resend(letters.taker, { ...all, present: 4, reason: 'even' })).toEqual({ sent: 2, skipped: 2 });
  expect([...letters.there.keys()]).toEqual(['1', '3']);
  expect(await letters.taker.take(10)).toHaveLength(2);
});

it('no more are sent than were asked for', async () => {
  const letters = createDeadLetters(['a', 'a', 'a', 'a', 'a']);
  expect(await resend(letters.taker, { ...all, present: 5, max: 2 })).toMatchObject({ sent: 2 });
  expect(letters.there.size).toBe(3);
});

it('a letter that comes again while its sender still fails does not keep it from ending', async () => {
  const letters = createDeadLetters(['a', 'b']);
  expect(await resend(letters.taker, { ...all, present: 10 })).toEqual({ sent: 2, skipped: 0 });
});

it('wherever it is killed, none is lost, and what is sent twice has the same id', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(200), { maxLength: 4 }), fc.boolean(), async (kills, newIds) => {
      const letters = createDeadLetters(Array.from({ length: 40 }, () => 'odd'));
      for (const kill of [...kills, Number.POSITIVE_INFINITY]) {
        letters.killAfter(kill);
        letters.endLocks();
        await resend(letters.taker, { ...all, newIds, present: letters.there.size }).catch(() => {});
      }
      const ids = new Map<string, Set<string | undefined>>();
      for (const { sequenceNumber, messageId } of letters.sent)
        ids.set(sequenceNumber, (ids.get(sequenceNumber) ?? new Set()).add(messageId));
      expect(ids.size).toBe(40);
      expect([...ids.values()].every((one) => one.size === 1)).toBe(true);
      expect(letters.there.size).toBe(0);
    }),
  );
});

it('a new id is short enough and its own, however long the old one is', () => {
  const long = 'x'.repeat(128);
  expect(newIdOf({ messageId: long, sequenceNumber: '12' })).toHaveLength(128);
  expect(newIdOf({ messageId: long, sequenceNumber: '12' })).not.toBe(
    newIdOf({ messageId: long, sequenceNumber: '13' }),
  );
  expect(newIdOf({ messageId: undefined, sequenceNumber: '1' })).toBeUndefined();
});
