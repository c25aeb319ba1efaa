/** Facts that travel with an error into logs and problem details. Never put a secret or personal data here. */
export type ErrorFacts = Readonly<Record<string, unknown>>;

/**
 * The base of every error that Penstock throws on purpose. `code` is stable and machine-readable (`PS_…`, catalogued
 * per area in an `errors.ts` and listed in docs/errors.md); `message` is for people and is never compared.
 */
export class PenstockError<Code extends string = string> extends Error {
  override readonly name: string = 'PenstockError';
  readonly code: Code;
  readonly facts: ErrorFacts;

  constructor(code: Code, message: string, options: { cause?: unknown; facts?: ErrorFacts } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.facts = options.facts ?? {};
  }
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return messageOf(error.errors.at(-1));
  return error instanceof Error ? error.message : String(error);
}
