/**
 * Our code for what an SDK threw, by the SDK's own code; undefined when the table has none for it. The SDKs wrap the
 * errors of several attempts in an AggregateError, of which the last one counts; what AMQP says of a link that was ended
 * while it was opened they hand on as it is, with a condition in place of a code.
 */
export function codeOfSdkError<Code>(error: unknown, codes: Readonly<Record<string, Code>>): Code | undefined {
  const last = error instanceof AggregateError && error.errors.length > 0 ? error.errors.at(-1) : error;
  const { code, condition } = (last ?? {}) as { code?: unknown; condition?: unknown };
  const known = code ?? condition;
  return typeof known === 'string' && Object.hasOwn(codes, known) ? codes[known] : undefined;
}
