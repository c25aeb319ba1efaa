/**
 * Our code for what an SDK threw, by the SDK's own code; undefined when the table has none for it. The SDKs wrap the
 * errors of several attempts in an AggregateError, of which the last one counts.
 */
export function codeOfSdkError<Code>(error: unknown, codes: Readonly<Record<string, Code>>): Code | undefined {
  const last = error instanceof AggregateError && error.errors.length > 0 ? error.errors.at(-1) : error;
  const code = (last as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' && Object.hasOwn(codes, code) ? codes[code] : undefined;
}
