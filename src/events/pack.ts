import { messageOf } from '../shared/errors.js';
import { EventError } from './errors.js';
import type { PenstockEvent } from './model.js';

export const PACK_CONTENT_TYPE = 'application/cloudevents-batch+json';

/**
 * The events of one Event Hubs event: a CloudEvents batch, or a single event of a producer that does not pack. Takes
 * the body as bytes, text, or already parsed, whichever way the SDK gave it.
 * @throws EventError PS_EVENT_UNREADABLE
 */
export function parsePack(body: unknown): readonly PenstockEvent[] {
  const value = parseBody(body);
  const events: readonly unknown[] = Array.isArray(value) ? value : [value];
  for (const event of events) {
    if (!isEvent(event)) throw new EventError('PS_EVENT_UNREADABLE', 'not a CloudEvents JSON object of Penstock');
  }
  return events as readonly PenstockEvent[];
}

/** The event of one Service Bus message. @throws EventError PS_EVENT_UNREADABLE */
export function parseEvent(body: unknown): PenstockEvent {
  const value = parseBody(body);
  if (!isEvent(value)) throw new EventError('PS_EVENT_UNREADABLE', 'not a CloudEvents JSON object of Penstock');
  return value;
}

function parseBody(body: unknown): unknown {
  if (typeof body !== 'string' && !(body instanceof Uint8Array)) return body;
  try {
    return JSON.parse(
      typeof body === 'string' ? body : Buffer.from(body.buffer, body.byteOffset, body.length).toString(),
    );
  } catch (cause) {
    throw new EventError('PS_EVENT_UNREADABLE', `not JSON: ${messageOf(cause)}`, { cause });
  }
}

function isEvent(value: unknown): value is PenstockEvent {
  if (value === null || typeof value !== 'object') return false;
  const { id, source, type, time, data } = value as Partial<Record<keyof PenstockEvent, unknown>>;
  return (
    typeof id === 'string' &&
    typeof source === 'string' &&
    typeof type === 'string' &&
    typeof time === 'string' &&
    data !== null &&
    typeof data === 'object'
  );
}
