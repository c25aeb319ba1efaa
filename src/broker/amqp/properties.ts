import type { Receiver, Sender } from 'rhea';
import type { AmqpFault } from './conditions.js';

/** What a peer gave that cannot be taken as what it should be: the field is named. */
export const invalidField = (name: string, expected: string): AmqpFault => ({
  condition: 'amqp:invalid-field',
  description: `${name}: ${expected} is expected.`,
});

/** A whole number, whatever integer type it came in: rhea gives those beyond 2^53 as bytes. */
function wholeNumberOf(value: unknown): number | undefined {
  const isLong = Buffer.isBuffer(value) && value.length === 8;
  const number = isLong ? Number(value.readBigInt64BE()) : Number.isSafeInteger(value) ? (value as number) : -1;
  return number >= 0 ? number : undefined;
}

const propertyOf = (link: Sender | Receiver, name: string): unknown =>
  (link.properties as Readonly<Record<string, unknown>> | undefined)?.[name] ?? undefined;

/** A property of an attach that is a whole number, 0 or more; undefined when it is not there. */
export function wholeProperty(link: Sender | Receiver, name: string, most?: number): number | undefined | AmqpFault {
  const value = propertyOf(link, name);
  if (value === undefined) return undefined;
  const number = wholeNumberOf(value);
  if (number !== undefined && number <= (most ?? Number.POSITIVE_INFINITY)) return number;
  return invalidField(name, most === undefined ? 'a whole number, 0 or more,' : `a whole number from 0 to ${most}`);
}

const RECEIVER_NAME = 'com.microsoft:receiver-name';

/** What its client calls a receiver, if it says. */
export function receiverName(link: Sender): string | undefined | AmqpFault {
  const value = propertyOf(link, RECEIVER_NAME);
  return value === undefined || typeof value === 'string' ? value : invalidField(RECEIVER_NAME, 'a string');
}
