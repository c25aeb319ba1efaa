import rhea from 'rhea';
import type { AmqpFault } from './conditions.js';
import { failureReply } from './hub-management.js';
import type { NodeRequest, Reply } from './requests.js';

const { types } = rhea;

export type Fields = Readonly<Record<string, unknown>>;

export const answer = (code: number, description: string, body?: unknown): Reply => ({
  properties: { statusCode: types.wrap_int(code), statusDescription: description },
  ...(body === undefined ? {} : { body }),
});
export const done = answer(200, 'OK');
export const fail = (code: number, fault: AmqpFault): Reply => failureReply(code, fault);
export const badRequest = (description: string): Reply =>
  fail(400, { condition: 'com.microsoft:argument-error', description });

export const bodyOf = ({ body }: NodeRequest): Fields =>
  body !== null && typeof body === 'object' ? (body as Fields) : {};

/** A whole number that may have come as the 8 bytes of a long. */
export function wholeNumber(value: unknown): number | undefined {
  const number = Buffer.isBuffer(value) && value.length === 8 ? Number(value.readBigInt64BE()) : value;
  return typeof number === 'number' && Number.isSafeInteger(number) ? number : undefined;
}

/** A list of one to `most` whole numbers. */
export function wholeNumbers(value: unknown, most: number): number[] | undefined {
  if (!Array.isArray(value) || value.length === 0 || value.length > most) return undefined;
  const numbers = value.map(wholeNumber);
  return numbers.every((number) => number !== undefined) ? numbers : undefined;
}
