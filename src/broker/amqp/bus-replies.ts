import rhea from 'rhea';
import type { AmqpFault } from './conditions.js';
import { type Fields, isMap } from './fields.js';
import { failureReply } from './hub-management.js';
import type { NodeRequest, Reply } from './requests.js';

const { types } = rhea;

export const answer = (code: number, description: string, body?: unknown): Reply => ({
  properties: { statusCode: types.wrap_int(code), statusDescription: description },
  ...(body === undefined ? {} : { body }),
});
export const done = answer(200, 'OK');
export const fail = (code: number, fault: AmqpFault): Reply => failureReply(code, fault);
/** The description names the field that is wrong. */
export const badRequest = (description: string): Reply =>
  fail(400, { condition: 'com.microsoft:argument-error', description });

/** Without a map for a body the fields that are expected in it are missing. */
export const bodyOf = ({ body }: NodeRequest): Fields => (isMap(body) ? body : {});

/** No message has such a sequence number. */
export const isAnyNegative = (sequences: readonly number[]): boolean => sequences.some((sequence) => sequence < 0);
