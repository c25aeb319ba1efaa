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

/** A property of an attach that is a whole number, 0 or more; undefined when it is not there. */
export function wholeProperty(link: Sender | Receiver, name: string): number | undefined | AmqpFault {
  const value: unknown = (link.properties as Readonly<Record<string, unknown>> | undefined)?.[name];
  if (value === undefined || value === null) return undefined;
  return wholeNumberOf(value) ?? invalidField(name, 'a whole number, 0 or more,');
}
