import type { FilterValue } from '../topology/types.js';

/**
 * The system properties that filters and actions know, as Azure spells them (the public properties of a brokered
 * message). In SQL their names ignore case, and `sys.Label` is the old name of `sys.Subject`.
 */
const SYSTEM_PROPERTIES = [
  'MessageId',
  'CorrelationId',
  'SessionId',
  'ReplyTo',
  'ReplyToSessionId',
  'To',
  'Subject',
  'ContentType',
  'PartitionKey',
  'SequenceNumber',
  'EnqueuedSequenceNumber',
  'EnqueuedTimeUtc',
  'ScheduledEnqueueTimeUtc',
  'ExpiresAtUtc',
  'DeliveryCount',
  'TimeToLive',
  'Size',
] as const;

export type SystemProperty = (typeof SYSTEM_PROPERTIES)[number];

/** What a filter may see of a message: its properties, never its body. */
export interface FilterableMessage {
  /** A system property; `null` where the message has none. `undefined` (this kind of message has no such property) is an evaluation error. */
  system(name: SystemProperty): FilterValue | undefined;
  /** An application property; the name ignores case and is given in lower case. `undefined` where there is none. */
  property(name: string): FilterValue | undefined;
}

const canonicalNames = new Map<string, SystemProperty>([
  ...SYSTEM_PROPERTIES.map((name) => [name.toLowerCase(), name] as const),
  ['label', 'Subject'],
]);

/** The canonical spelling of a system property, or undefined when there is none of that name. */
export const systemPropertyOf = (name: string): SystemProperty | undefined => canonicalNames.get(name.toLowerCase());
