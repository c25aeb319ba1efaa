import type { Settlements } from '../publish/ticket.js';
import type { Prepared } from './prepare.js';

/** What most events come to. */
export const AT_BROKER = 'accepted broker';
export const IN_SPOOL = 'accepted spool';
/** Their event, or their order, had been accepted before, or while they were on their way. */
const KNOWN = 'duplicate known';

/** What became of an event, as `outcome reason`: a closed list. Of accepted events the reason is where they are durable. */
export function fateOf(entry: Prepared, index: number, { failures, spooled, known }: Settlements): string {
  if (typeof entry !== 'string') return fateOfUnsent(entry);
  const failure = failures.get(index);
  if (failure !== undefined) return `rejected ${failure}`;
  if (known.has(index)) return KNOWN;
  return spooled.has(index) ? IN_SPOOL : AT_BROKER;
}

function fateOfUnsent(entry: Exclude<Prepared, string>): string {
  switch (entry.kind) {
    case 'rejected':
      return `rejected ${entry.rejection.reason}`;
    case 'dropped':
      return `dropped ${entry.reason}`;
    case 'repeated':
      return 'duplicate same_request';
    case 'known':
      return KNOWN;
  }
}
