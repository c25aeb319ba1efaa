/** An RFC 9457 problem of the admin port; `code` is of the lists in docs/errors.md. */
export interface ProblemDetails {
  readonly status: number;
  readonly title: string;
  readonly code?: string;
  readonly detail?: string;
}

/** What is needed of the answer of an HTTP framework. */
interface Reply {
  code(status: number): Reply;
  type(contentType: string): Reply;
  send(body: object): unknown;
}

/** Answers with the problem. The dashboard and the queries share a port, and so the form of their refusals. */
export function sendProblem<R extends Reply>(reply: R, { status, title, code, detail }: ProblemDetails): R {
  const body = { type: 'about:blank', title, status, code, detail };
  reply.code(status).type('application/problem+json').send(body);
  return reply;
}
