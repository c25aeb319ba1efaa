import { PenstockError } from '../shared/errors.js';

/** PS_EVENT_UNREADABLE: what was read from a broker is not an event, or not a pack of events, of ours. */
export type EventErrorCode = 'PS_EVENT_UNREADABLE';

export class EventError extends PenstockError<EventErrorCode> {
  override readonly name = 'EventError';
}
