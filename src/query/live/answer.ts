import type { FastifyReply } from 'fastify';
import type { z } from 'zod';
import { messageOf, PenstockError } from '../../shared/errors.js';
import { type ProblemDetails, sendProblem } from '../../shared/problem-answer.js';
import { QueryError } from '../errors.js';

/** @throws QueryError PS_QUERY_INVALID that names the parameter. */
export function parse<T>(what: string, schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const path = [what, ...(issue?.path ?? [])].join('.');
  throw invalidQuery(path, issue?.message ?? 'invalid');
}

export const invalidQuery = (path: string, what: string) =>
  new QueryError('PS_QUERY_INVALID', `${path}: ${what}`, { facts: { path } });

/** Answers with what `produce` gives, or with the problem that it has. */
export async function answer(reply: FastifyReply, produce: () => Promise<unknown>): Promise<unknown> {
  try {
    const value = await produce();
    reply.header('cache-control', 'no-store');
    return value;
  } catch (error) {
    if (!(error instanceof PenstockError)) throw error;
    return sendProblem(reply, { ...problemOf(error), code: error.code });
  }
}

function problemOf(error: PenstockError): Omit<ProblemDetails, 'code'> {
  switch (error.code) {
    case 'PS_QUERY_INVALID':
      return { status: 400, title: 'Invalid query', detail: messageOf(error) };
    case 'PS_EVENT_UNKNOWN':
      return { status: 404, title: 'Unknown event', detail: messageOf(error) };
    default:
      return {
        status: 503,
        title: 'Figures unavailable',
        detail: 'the live figures cannot be read at the moment',
      };
  }
}
