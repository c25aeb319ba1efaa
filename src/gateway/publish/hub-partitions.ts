import { type PenstockEvent, parsePack, partitionKeyOf } from '../../events/index.js';
import type { HubPublisher, PublishError } from '../../messaging/index.js';
import { partitionForKey } from '../../shared/partition-hash.js';
import { createTurns } from '../../shared/turns.js';
import type { HubFacts } from './hub-facts.js';
import { type OutletDeps, openOutlet } from './outlet.js';
import { createPacker, PACK_OVERHEAD_BYTES, type Pack, type PackingOptions } from './packing.js';
import { BATCH_OVERHEAD_BYTES, type SinkOptions } from './sink.js';
import type { SpooledLane } from './spooled-lane.js';

/** The way into one partition: events become packs, and packs leave in order. */
export interface HubPartition {
  readonly lane: SpooledLane<Pack>;
  readonly packer: ReturnType<typeof createPacker>;
  readonly packing: PackingOptions;
}

export interface HubPartitionsOptions extends SinkOptions {
  readonly packing: PackingOptions;
}

export interface HubPartitionsDeps extends OutletDeps {
  readonly publisher: HubPublisher;
  /** Of the destination, such as `hub:clicks`. */
  readonly name: string;
  readonly isUp: () => boolean;
  /** A batch failed, and with it all that waited in its partition. */
  readonly onError: (error: PublishError) => void;
}

/** The ways into a hub. It can get more partitions, or fewer when it is made anew: what waits for those it had is kept. */
export function createHubPartitions(deps: HubPartitionsDeps, options: HubPartitionsOptions) {
  const { name, publisher } = deps;
  /** Those of the hub, and behind them those that it had once and for which something waits. */
  const partitions: HubPartition[] = [];
  let count = 0;
  /** One after the other: all at once they drain twice as fast, and leave 60 MB behind that V8 collects late. */
  const drainInTurn = createTurns();

  /** Of a partition that the hub has no more: its events go where new ones of their visitors go. */
  const sendElsewhere = async (bodies: readonly Buffer[]) => {
    // What was sent before one that fails is sent again with it, under the same ids.
    for (const [partition, packs] of packAnew(bodies, count)) await publisher.send(partition, packs);
  };

  const open = (partition: number, linkBytes: number): HubPartition => {
    const maxBatchBytes = linkBytes - BATCH_OVERHEAD_BYTES;
    const packing = {
      ...options.packing,
      maxBytes: Math.min(options.packing.maxBytes, maxBatchBytes - PACK_OVERHEAD_BYTES),
    };
    const sendRecords = async (bodies: readonly Buffer[]) => {
      if (partition < count) await publisher.send(partition, bodies);
      else await sendElsewhere(bodies);
      return bodies.length;
    };
    const lane = openOutlet<Pack>(
      deps,
      {
        destination: name,
        part: String(partition),
        isUp: deps.isUp,
        onError: deps.onError,
        send: (packs) => sendRecords(packs.map((pack) => pack.toRecord())),
        sendRecords,
        recordOverheadBytes: PACK_OVERHEAD_BYTES,
        drainInTurn,
      },
      { maxBatchBytes, timeoutMs: options.timeoutMs, pipelineBytes: packing.maxBytes },
    );
    return { lane, packer: createPacker(packing, lane.add), packing };
  };

  return {
    /** How many the hub has, as it was seen last; none while it never was. */
    count: () => count,
    at: (partition: number): HubPartition | undefined => partitions[partition],
    /** Those of the hub, in order. */
    ofHub: (): readonly HubPartition[] => partitions.slice(0, count),
    /** All of them, those that the hub had once as well. */
    lanes: (): readonly SpooledLane<Pack>[] => partitions.map(({ lane }) => lane),
    /** Opens what the hub has and what something waits for. */
    open(seen: HubFacts): void {
      count = seen.partitionCount;
      const waiting = ((deps.spool ?? deps.left)?.lanesOf(name) ?? []).map((lane) => Number(lane) + 1);
      const needed = Math.max(count, ...waiting);
      while (partitions.length < needed) partitions.push(open(partitions.length, seen.maxBatchBytes));
    },
  };
}

/** The same events in other packs, by the partition that each has now: what a pack had for one of them stays together. */
function packAnew(bodies: readonly Buffer[], partitionCount: number): ReadonlyMap<number, readonly Buffer[]> {
  const packs = new Map<number, Buffer[]>();
  for (const body of bodies) {
    const byPartition = new Map<number, PenstockEvent[]>();
    for (const event of parsePack(body)) {
      append(byPartition, partitionForKey(partitionKeyOf(event.data, event.id), partitionCount), event);
    }
    for (const [to, events] of byPartition) append(packs, to, Buffer.from(JSON.stringify(events)));
  }
  return packs;
}

function append<Item>(lists: Map<number, Item[]>, at: number, item: Item): void {
  const list = lists.get(at);
  if (list === undefined) lists.set(at, [item]);
  else list.push(item);
}
