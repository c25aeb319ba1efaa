import { messageIdOf } from './commerce.js';
import type { EventContext } from './model.js';
import type { NormalisedEvent } from './normalise.js';
import type { Envelope } from './serialise.js';

export const EVENT_CONTENT_TYPE = 'application/cloudevents+json';

/** One event as a Service Bus message. Filters see `applicationProperties` and never the body. */
export interface TopicMessage {
  /** JSON text of the event. */
  readonly body: string;
  /** Key of duplicate detection, at most 128 characters. */
  readonly messageId: string;
  readonly applicationProperties: Readonly<Record<string, string | number>>;
}

export function createTopicMessage(
  event: NormalisedEvent,
  json: string,
  envelope: Envelope,
  requestContext: EventContext,
): TopicMessage {
  const { commerce, userId } = event;
  const country = (event.context ?? requestContext).country;
  const properties: Record<string, string | number> = { type: event.type, source: envelope.source };
  if (country !== undefined) properties['country'] = country;
  if (commerce?.currency !== undefined) properties['currency'] = commerce.currency;
  if (commerce?.value !== undefined) properties['value'] = commerce.value;
  if (userId !== undefined) properties['userId'] = userId;
  if (commerce?.churnScore !== undefined) properties['churnScore'] = commerce.churnScore;
  if (envelope.traceparent !== undefined) properties['traceparent'] = envelope.traceparent;
  if (envelope.tracestate !== undefined) properties['tracestate'] = envelope.tracestate;
  return {
    body: json,
    messageId: messageIdOf(commerce?.businessKey ?? event.id),
    applicationProperties: properties,
  };
}
