import { Problem } from '../problem.js';
import { textOf } from './fields.js';

/**
 * The one write key of a body whose events each name theirs. Events of several sites in one request are refused: each
 * event's key would have to be checked, and none may ride on another's.
 */
export function soleWriteKey(keys: Iterable<unknown>): string | undefined | Problem {
  let sole: string | undefined;
  for (const sent of keys) {
    const key = textOf(sent);
    if (key === undefined) continue;
    if (sole !== undefined && key !== sole) {
      return new Problem('PS_REQUEST_INVALID', 'All events of one request have to have the same write key');
    }
    sole = key;
  }
  return sole;
}
