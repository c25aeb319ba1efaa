import { encodeLateEvent, LATE_FIELDS, type LateEvent, lateEntryId } from '../../shared/late-events.js';
import { LATE, LATE_STREAM_LENGTH, lateStreamKey, ownersKey } from '../../shared/live-keys.js';
import type { LateChange } from '../state/late.js';
import type { Written } from './metric-writes.js';
import type { Owner } from './owner.js';
import type { DefineScript } from './script.js';

const MAX_EVENTS_PER_CALL = 300;

/** Adds events to the late stream of a partition: the calls in the order in which they are sent, each behind the one before. */
export type WriteLate = (owner: Owner, change: LateChange) => Promise<Written>[];

export function createLateWrites(script: DefineScript): WriteLate {
  const writeLate = script<readonly [epoch: number, lost: number]>('writeLate', 'write-late.lua');
  const call = async (
    { partition, epoch, hubCreatedAtMs }: Owner,
    after: LateEvent | undefined,
    events: readonly LateEvent[],
  ): Promise<Written> => {
    const [by, lost] = await writeLate(
      2,
      ownersKey(LATE),
      lateStreamKey(partition),
      partition,
      epoch,
      LATE_STREAM_LENGTH,
      after === undefined ? '' : lateEntryId(after),
      hubCreatedAtMs ?? '',
      LATE_FIELDS,
      ...events.flatMap((event) => [lateEntryId(event), ...encodeLateEvent(event)]),
    );
    return [by, -1, lost];
  };
  return (owner, { after, events }) => {
    const calls: Promise<Written>[] = [];
    for (let at = 0; at < events.length; at += MAX_EVENTS_PER_CALL)
      calls.push(call(owner, events[at - 1] ?? after, events.slice(at, at + MAX_EVENTS_PER_CALL)));
    return calls;
  };
}
