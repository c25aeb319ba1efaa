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

/** A whole number. Longs beyond 2^53 come as their 8 bytes; nothing has such a number, so that the nearest does as well. */
export function wholeNumber(value: unknown): number | undefined {
  if (Buffer.isBuffer(value) && value.length === 8) {
    return value.readInt8(0) < 0 ? Number.MIN_SAFE_INTEGER : Number.MAX_SAFE_INTEGER;
  }
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined;
}

/** A list of one to `most` whole numbers. */
export function wholeNumbers(value: unknown, most: number): number[] | undefined {
  if (!Array.isArray(value) || value.length === 0 || value.length > most) return undefined;
  const numbers = value.map(wholeNumber);
  return numbers.every((number) => number !== undefined) ? numbers : undefined;
}

/** No message has such a sequence number. */
export const isAnyNegative = (sequences: readonly number[]): boolean => sequences.some((sequence) => sequence < 0);
