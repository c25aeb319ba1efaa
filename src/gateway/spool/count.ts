import { emptyLane, type LaneState, noteAside, noteTaken } from './lane-state.js';
import { ASIDE, parseRecordKey, type SpoolRecord } from './record-key.js';
import type { SpoolStore } from './store.js';

/**
 * What is in the store, as it is: after a start, or a failure of which nobody knows what it wrote. Of lanes that were known
 * before the numbers go on, so that none is given twice.
 */
export async function countLanes(
  store: Pick<SpoolStore, 'keys'>,
  known: ReadonlyMap<string, LaneState>,
): Promise<ReadonlyMap<string, LaneState>> {
  const found = new Map<string, LaneState>();
  for (const [lane, { nextSequence }] of known) found.set(lane, { ...emptyLane(), nextSequence });
  const foundOf = (lane: string): LaneState => {
    const state = found.get(lane) ?? emptyLane();
    found.set(lane, state);
    return state;
  };
  for await (const key of store.keys('', '\uffff')) {
    const isAside = key.startsWith(ASIDE);
    if (key.startsWith('!') && !isAside) continue;
    const record = parseRecordKey(isAside ? key.slice(ASIDE.length) : key);
    if (record === undefined) continue;
    if (isAside) noteAside(foundOf(record.lane), record);
    else noteFound(foundOf(record.lane), record);
  }
  return found;
}

function noteFound(state: LaneState, record: SpoolRecord): void {
  if (state.records === 0) state.firstSequence = record.sequence;
  noteTaken(state, record);
  state.lying++;
  state.nextSequence = Math.max(state.nextSequence, record.sequence + 1);
}
