import { isForbiddenKey } from './json.js';
import type { Consent } from './model.js';
import { pointerToken, type Rejection, reject } from './rejection.js';

const MAX_PURPOSES = 50;
const MAX_PURPOSE_LENGTH = 64;

/**
 * Reads what a visitor agreed to: an object by purpose, of booleans or of consent mode's `granted` and `denied`. What
 * cannot be understood is refused and never taken for a yes.
 */
export function readConsent(value: unknown): Consent | Rejection {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return reject('invalid_type', '/consent');
  const consent: Record<string, boolean> = {};
  let purposes = 0;
  for (const [purpose, answer] of Object.entries(value)) {
    const path = `/consent${pointerToken(purpose)}`;
    if (isForbiddenKey(purpose)) return reject('forbidden_key', path);
    if (purpose.length > MAX_PURPOSE_LENGTH || ++purposes > MAX_PURPOSES) return reject('too_long', path);
    if (answer === null) continue;
    const agreed = readAnswer(answer);
    if (agreed === undefined) return reject(typeof answer === 'string' ? 'invalid_format' : 'invalid_type', path);
    consent[purpose] = agreed;
  }
  return consent;
}

function readAnswer(answer: unknown): boolean | undefined {
  if (typeof answer === 'boolean') return answer;
  switch (typeof answer === 'string' ? answer.toLowerCase() : undefined) {
    case 'granted':
      return true;
    case 'denied':
      return false;
    default:
      return undefined;
  }
}
