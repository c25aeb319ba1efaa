import { createDrainRate, type DrainRate } from '../drain-rate.js';
import { countLanes } from './count.js';
import { openSpoolDisk, REOPENED_WITHIN_MS, type SpoolDiskDeps } from './disk.js';
import { createDiskRoom } from './disk-room.js';
import { createSpoolLane, type SpoolLane } from './lane.js';
import { recordState, type SpooledState, type TimeSpan } from './lane-state.js';
import { createLanes, laneName, type SpoolReport } from './lanes.js';

export interface Spool {
  /** @param destination counts towards its bound, such as `hub:clicks`; `lane` is a part of it, such as `2` */
  lane(destination: string, lane: string): SpoolLane;
  report(destination: string): SpoolReport;
  /** Whether the disk works, so far as is known. While it does not, nothing gets past what may be on it. */
  isUsable(): boolean;
  /** Whether the destination takes `bytes` more. */
  hasRoom(destination: string, bytes: number): boolean;
  /** When a destination that was refused may have room again: when what waits there will have drained, at its rate. */
  retryAfterSeconds(destination: string): number;
  /** Nothing waits in any lane, also of destinations that nobody has opened. While the disk fails nobody knows. */
  isEmpty(): boolean;
  /** All destinations that something waits for. */
  destinations(): readonly string[];
  /** The lanes of a destination that something waits in, also those that nobody has opened. */
  lanesOf(destination: string): readonly string[];
  /** Whether there are records that their broker has refused for good. */
  hasSetAside(): boolean;
  /** What became of a record that a lane took between two times. In doubt it is still waiting. */
  stateOf(lane: { readonly destination: string; readonly lane: string }, taken: TimeSpan): SpooledState;
  /** Small facts that outlive a restart. */
  remember(name: string, value: Buffer): Promise<void>;
  recall(name: string): Promise<Buffer | undefined>;
  /** Writes what is on its way, and closes. */
  close(): Promise<void>;
}

export type SpoolDeps = SpoolDiskDeps;

export interface SpoolLimits {
  /** Most bytes of one destination. */
  readonly bytes: number;
  /** While the oldest record of a destination is older, nothing more is taken: something is wrong for long. */
  readonly ageMs: number;
}

const FACTS = '!facts/';

/**
 * Events that were accepted while their broker was away, on disk until it has them. What was appended survives
 * `kill -9`; what was removed may come back after one, and is then sent twice, under the same ids.
 *
 * While the disk is nearly full nothing more is taken, so that there is room to empty the spool: LevelDB writes also to
 * remove. When the disk fails all the same, what was being written is refused, and the store is opened anew until it works.
 * @throws GatewayError PS_SPOOL_LOCKED, PS_SPOOL_UNUSABLE
 */
export async function openSpool(deps: SpoolDeps, limits: SpoolLimits): Promise<Spool> {
  const { clock } = deps;
  const lanes = createLanes();
  const rates = new Map<string, DrainRate>();
  const disk = await openSpoolDisk(deps, async (store) => lanes.becomes(await countLanes(store, lanes.all())));
  const room = createDiskRoom({ ...deps, store: disk.store });
  const isEmpty = () => !disk.isFailing() && lanes.isEmpty();
  const report = (destination: string) => lanes.report(destination, clock.now());

  const rateOf = (destination: string): DrainRate => {
    const rate = rates.get(destination) ?? createDrainRate(clock);
    rates.set(destination, rate);
    return rate;
  };

  const hasRoom = (destination: string, more: number): boolean => {
    if (!disk.isUsable() || room.isLow()) return false;
    const { bytes, oldestMs } = report(destination);
    return bytes + more <= limits.bytes && oldestMs <= limits.ageMs;
  };

  await room.start();
  return {
    lane(destination, part) {
      const name = laneName(destination, part);
      return createSpoolLane(name, lanes.stateOf(name), {
        clock,
        disk,
        rate: rateOf(destination),
        hasRoom: (bytes) => hasRoom(destination, bytes),
        onWritten: room.written,
        onGone() {
          if (isEmpty()) room.emptied();
        },
      });
    },
    report,
    isUsable: disk.isUsable,
    hasRoom,
    retryAfterSeconds: (destination) =>
      disk.isFailing() ? REOPENED_WITHIN_MS / 1000 : rateOf(destination).secondsFor(report(destination).bytes),
    isEmpty,
    destinations: lanes.destinations,
    lanesOf: lanes.partsOf,
    hasSetAside: lanes.hasSetAside,
    stateOf: ({ destination, lane }, taken) => recordState(lanes.stateOf(laneName(destination, lane)), taken),
    remember: (name, value) => disk.write([{ key: `${FACTS}${name}`, value }]),
    recall: (name) => disk.store().get(`${FACTS}${name}`),
    close() {
      room.stop();
      return disk.close();
    },
  };
}
