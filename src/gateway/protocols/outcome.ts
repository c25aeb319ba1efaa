import type { EventResult } from '../pipeline/answer.js';
import type { Problem } from '../problem.js';
import { jsonReply, type Reply } from './protocol.js';

/** What the answers of the foreign protocols have in common: success in their words, and honesty about the rest. */

export function rejectedOf(results: readonly EventResult[]): readonly EventResult[] {
  return results.filter(({ outcome }) => outcome === 'rejected');
}

/** Nothing of the request was taken, and something was to be. */
export function isAllRejected(results: readonly EventResult[]): boolean {
  return results.length > 0 && results.every(({ outcome }) => outcome === 'rejected');
}

/** `id: reason path`, for answers that have room for one line only. */
export function describeRejection({ id, reason, path }: EventResult): string {
  return [id === null ? undefined : `${id}:`, reason, path]
    .filter((part) => part !== undefined && part !== '')
    .join(' ');
}

/**
 * JSON that says `success` and lists what was refused; 400 when everything was. SDKs drop what is answered with 400,
 * which is right: sent again it would be refused again.
 */
export function replyOf(
  results: readonly EventResult[],
  success: Readonly<Record<string, unknown>>,
  status = 200,
): Reply {
  const rejected = rejectedOf(results);
  if (rejected.length === 0) return jsonReply(success, status);
  if (!isAllRejected(results)) return jsonReply({ ...success, rejected }, status);
  return jsonReply({ error: rejected.map(describeRejection).join('; ').slice(0, MAX_ERROR_LENGTH), rejected }, 400);
}

const MAX_ERROR_LENGTH = 500;

/** A refused request, as JSON with `error`, for SDKs that read that field. */
export function refusalOf(problem: Problem): Reply {
  return jsonReply({ error: problem.detail, code: problem.code }, problem.status);
}
