import type {
  HubDefinition,
  QueueDefinition,
  RuleDefinition,
  SubscriptionDefinition,
  TopicDefinition,
} from '../topology/types.js';

/** A topic's own settings; its subscriptions are entities of their own. */
type TopicSettings = Omit<TopicDefinition, 'subscriptions'>;

interface Common<Kind, Definition> {
  readonly kind: Kind;
  readonly path: string;
  readonly definition: Definition;
  /** What the topology said when it was last applied: changes made since then at run time stay until it says something else. */
  readonly fromTopology?: Definition;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

/** The numbers under which an entity keeps its things in the store. */
interface QueueIds {
  readonly storeId: number;
  readonly deadLettersId: number;
  readonly transferDeadLettersId: number;
}

export type QueueRecord = Common<'queue', QueueDefinition> & QueueIds & { readonly historyId: number };
export type TopicRecord = Common<'topic', TopicSettings> & { readonly historyId: number };
export type SubscriptionRecord = Common<'subscription', SubscriptionDefinition> &
  QueueIds & { readonly topic: string; readonly ruleCreatedAtMs: Readonly<Record<string, number>> };
export type HubRecord = Common<'hub', HubDefinition> & {
  readonly logIds: readonly number[];
  /** What was set of consumer groups at run time, by lower-case name. */
  readonly groups?: Readonly<Record<string, GroupNote>>;
};

export interface GroupNote {
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly userMetadata?: string;
}

export type EntityRecord = QueueRecord | TopicRecord | SubscriptionRecord | HubRecord;

/** All numbers under which an entity keeps its things. */
export function idsOf(record: EntityRecord): readonly number[] {
  if (record.kind === 'hub') return record.logIds;
  if (record.kind === 'topic') return [record.historyId];
  const ids = [record.storeId, record.deadLettersId, record.transferDeadLettersId];
  return record.kind === 'queue' ? [...ids, record.historyId] : ids;
}

export const DEFAULT_RULE: RuleDefinition = { name: '$Default', filter: { kind: 'true' } };

const TAG = '$penstock';

/** JSON for definitions: also Infinity (no expiry), 64-bit integers and times in filters. */
export function encodeRecord(record: unknown): Buffer {
  const text = JSON.stringify(record, function (this: Record<string, unknown>, key, value: unknown) {
    const original = this[key];
    if (original instanceof Date) return { [TAG]: 'time', ms: original.getTime() };
    if (typeof value === 'bigint') return { [TAG]: 'long', text: value.toString() };
    if (value === Number.POSITIVE_INFINITY) return { [TAG]: 'infinity' };
    return value;
  });
  return Buffer.from(text, 'utf8');
}

export function decodeRecord<T>(bytes: Buffer): T {
  return JSON.parse(bytes.toString('utf8'), (_key, value: unknown) => {
    if (value === null || typeof value !== 'object' || !(TAG in value)) return value;
    const tagged = value as { [TAG]: string; ms?: number; text?: string };
    if (tagged[TAG] === 'time') return new Date(tagged.ms ?? 0);
    if (tagged[TAG] === 'long') return BigInt(tagged.text ?? '0');
    return Number.POSITIVE_INFINITY;
  }) as T;
}

export const sameDefinition = (a: unknown, b: unknown): boolean => encodeRecord(a).equals(encodeRecord(b));
