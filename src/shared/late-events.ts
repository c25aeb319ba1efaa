/**
 * An event that was too late for metrics, as the late stream tells of it: enough to find it in the hub again, and nothing
 * of its visitor.
 */
export interface LateEvent {
  /** Where it is in its partition: the hub event, and its place in the pack, from 0. */
  readonly sequenceNumber: number;
  readonly index: number;
  readonly id: string;
  readonly type: string;
  readonly timeMs: number;
  /** When it reached the hub. */
  readonly enqueuedAtMs: number;
  /** How far its time was behind the newest of the partition. */
  readonly behindMs: number;
  /** The metrics that would have counted it, and the start of the pane that it would have been in. */
  readonly metrics: Readonly<Record<string, number>>;
}

/**
 * The id of an entry is its position, `<sequence number>-<index + 1>`: ids of a stream only ever rise, so Redis itself
 * can tell that an entry is there already. From 1, since there is no id `0-0`.
 */
export const lateEntryId = ({ sequenceNumber, index }: Pick<LateEvent, 'sequenceNumber' | 'index'>): string =>
  `${sequenceNumber}-${index + 1}`;

/** The fields of an entry: plain texts for whoever reads the stream, and `metrics` as JSON. */
export function encodeLateEvent(event: LateEvent): string[] {
  const metrics = Object.entries(event.metrics).map(([name, startMs]) => [name, isoOf(startMs)]);
  return [
    ...['id', event.id],
    ...['type', event.type],
    ...['time', isoOf(event.timeMs)],
    ...['enqueuedAt', isoOf(event.enqueuedAtMs)],
    ...['behindMs', String(event.behindMs)],
    ...['metrics', JSON.stringify(Object.fromEntries(metrics))],
  ];
}

/** Fields that `encodeLateEvent` writes. */
export const LATE_FIELDS = 6;

/** An entry as `GET /api/late` shows it. */
export interface ShownLateEvent {
  readonly partition: string;
  readonly sequenceNumber: number;
  readonly index: number;
  readonly id: string;
  readonly type: string;
  readonly time: string;
  readonly enqueuedAt: string;
  readonly behindMs: number;
  readonly metrics: Readonly<Record<string, string>>;
}

export function decodeLateEntry(
  partition: string,
  [entryId, flat]: readonly [string, readonly string[]],
): ShownLateEvent {
  const fields = new Map<string, string>();
  for (let at = 0; at + 1 < flat.length; at += 2) fields.set(flat[at] as string, flat[at + 1] as string);
  const [sequenceNumber, place] = entryId.split('-').map(Number) as [number, number];
  const text = (name: string) => fields.get(name) ?? '';
  return {
    partition,
    sequenceNumber,
    index: place - 1,
    id: text('id'),
    type: text('type'),
    time: text('time'),
    enqueuedAt: text('enqueuedAt'),
    behindMs: Number(text('behindMs')),
    metrics: JSON.parse(text('metrics') || '{}') as Record<string, string>,
  };
}

const isoOf = (ms: number): string => new Date(ms).toISOString();
