import { type PenstockEvent, parsePack, partitionKeyOf } from '../../events/index.js';
import type { HubPublisher, PublishError } from '../../messaging/index.js';
import { type CancelTimer, every } from '../../shared/clock.js';
import { partitionForKey } from '../../shared/partition-hash.js';
import { createTurns } from '../../shared/turns.js';
import { createHealth } from './health.js';
import { openOutlet } from './outlet.js';
import { createChunker, createPacker, PACK_OVERHEAD_BYTES, type Pack, type PackingOptions } from './packing.js';
import {
  BATCH_OVERHEAD_BYTES,
  closeSink,
  indexesOf,
  isTaking,
  type OutgoingEvent,
  reportOf,
  type Sink,
  type SinkDeps,
  type SinkOptions,
} from './sink.js';
import type { SpooledLane } from './spooled-lane.js';
import type { Ticket } from './ticket.js';

interface Partition {
  readonly lane: SpooledLane<Pack>;
  readonly packer: ReturnType<typeof createPacker>;
  readonly packing: PackingOptions;
}

/** What a hub takes, as it was seen last: with it events find their partition while the hub is away. */
interface Facts {
  readonly partitionCount: number;
  readonly maxBatchBytes: number;
}

/** Partitions that are added to a hub get their share of the events this soon. */
const REFRESH_MS = 60_000;

export function createHubSink(
  hub: string,
  deps: SinkDeps & { readonly publisher: HubPublisher },
  options: SinkOptions & { readonly packing: PackingOptions },
): Sink {
  const name = `hub:${hub}`;
  const { publisher, spool, left, clock } = deps;
  /** Those of the hub, and behind them those that it had once and for which something waits. */
  const partitions: Partition[] = [];
  let partitionCount = 0;
  /** One after the other: all at once they drain twice as fast, and leave 60 MB behind that V8 collects late. */
  const drainInTurn = createTurns();
  const facts = createFactsKeeper(name, { spool, clock });
  const health = createHealth({
    ...deps,
    probe: () => learn(),
    onChange(report) {
      deps.onHealth(name, report);
      if (report.state === 'up') for (const { lane } of partitions) lane.resume();
    },
  });
  publisher.onLost(health.check);
  const learn = async () => {
    const seen = await publisher.describe();
    openAll(seen);
    await facts.keep(seen);
  };
  let stopRefreshing: CancelTimer = () => {};
  /** Whether it succeeds says nothing: what is wrong with the hub is seen by what is sent. */
  const refresh = async () => {
    if (health.isUp()) await learn().catch(() => {});
  };

  /** A hub's partitions can be added to, and one that is made anew may have fewer. What waits in them is kept. */
  const openAll = (seen: Facts) => {
    partitionCount = seen.partitionCount;
    const waiting = ((spool ?? left)?.lanesOf(name) ?? []).map((lane) => Number(lane) + 1);
    const needed = Math.max(partitionCount, ...waiting);
    while (partitions.length < needed) partitions.push(open(partitions.length, seen.maxBatchBytes));
  };
  /** Of a partition that the hub has no more: its events go where new ones of their visitors go. */
  const sendElsewhere = async (bodies: readonly Buffer[]) => {
    const packs = new Map<number, Buffer[]>();
    for (const body of bodies) {
      const byPartition = new Map<number, PenstockEvent[]>();
      for (const event of parsePack(body)) {
        append(byPartition, partitionForKey(partitionKeyOf(event.data, event.id), partitionCount), event);
      }
      for (const [to, events] of byPartition) append(packs, to, Buffer.from(JSON.stringify(events)));
    }
    // What was sent before one that fails is sent again with it, under the same ids.
    for (const [partition, those] of packs) await publisher.send(partition, those);
  };
  const onError = (error: PublishError) => {
    health.fail(error);
    for (const { lane } of partitions) lane.failWaiting('unavailable');
  };
  const open = (partition: number, linkBytes: number): Partition => {
    const maxBatchBytes = linkBytes - BATCH_OVERHEAD_BYTES;
    const packing = {
      ...options.packing,
      maxBytes: Math.min(options.packing.maxBytes, maxBatchBytes - PACK_OVERHEAD_BYTES),
    };
    const sendRecords = async (bodies: readonly Buffer[]) => {
      if (partition < partitionCount) await publisher.send(partition, bodies);
      else await sendElsewhere(bodies);
      return bodies.length;
    };
    const lane = openOutlet<Pack>(
      deps,
      {
        destination: name,
        part: String(partition),
        isUp: health.isUp,
        onError,
        send: (packs) => sendRecords(packs.map((pack) => pack.toRecord())),
        sendRecords,
        recordOverheadBytes: PACK_OVERHEAD_BYTES,
        drainInTurn,
      },
      { maxBatchBytes, timeoutMs: options.timeoutMs, pipelineBytes: packing.maxBytes },
    );
    return { lane, packer: createPacker(packing, lane.add), packing };
  };

  /** An event alone is a chunk by itself. */
  const addOne = ({ json, partitionKey, index }: OutgoingEvent, ticket: Ticket) => {
    const partition = partitionForKey(partitionKey, partitionCount);
    ticket.place(index, partition);
    partitions[partition]?.packer.add({ json, indexes: [index] }, ticket);
  };

  return {
    kind: 'hub',
    name,
    report: () => reportOf(name, health, deps),
    // A hub that was never seen has no partitions to be kept for.
    isReady: () => (health.isUp() || partitionCount > 0) && isTaking(name, health, deps),
    retryAfterSeconds: () => spool?.retryAfterSeconds(name),
    async start() {
      const known = await facts.recall();
      if (known !== undefined) openAll(known);
      stopRefreshing = every(clock, REFRESH_MS, refresh);
      await health.start();
    },
    isIdle: () => partitions.every(({ lane }) => lane.isIdle()),
    add(events, ticket) {
      if (partitionCount === 0) {
        ticket.settle(indexesOf(events), 'unavailable');
        return;
      }
      const [only] = events;
      if (only !== undefined && events.length === 1) {
        addOne(only, ticket);
        return;
      }
      const chunkers = partitions
        .slice(0, partitionCount)
        .map(({ packer, packing }) => createChunker(packing, (chunk) => packer.add(chunk, ticket)));
      for (const { json, partitionKey, index } of events) {
        const partition = partitionForKey(partitionKey, chunkers.length);
        ticket.place(index, partition);
        chunkers[partition]?.add(json, index);
      }
      for (const chunker of chunkers) chunker.flush();
    },
    close() {
      stopRefreshing();
      facts.close();
      const lanes = partitions.map(({ lane }) => lane);
      return closeSink(health, lanes, publisher);
    },
  };
}

function append<Item>(lists: Map<number, Item[]>, at: number, item: Item): void {
  const list = lists.get(at);
  if (list === undefined) lists.set(at, [item]);
  else list.push(item);
}

/** How long a disk that did not take them is left alone. */
const FACTS_RETRY_MS = 5_000;

/** Writes down what a hub takes, so that the next start knows it while the hub is away. */
function createFactsKeeper(name: string, { spool, clock }: Pick<SinkDeps, 'spool' | 'clock'>) {
  let written = '';
  let newest = '';
  let cancelRetry: CancelTimer | undefined;
  const write = async (): Promise<void> => {
    cancelRetry?.();
    const text = newest;
    if (spool === undefined || text === written) return;
    try {
      await spool.remember(name, Buffer.from(text));
      written = text;
    } catch {
      cancelRetry = clock.setTimer(() => void write(), FACTS_RETRY_MS);
    }
  };
  return {
    async recall(): Promise<Facts | undefined> {
      const known = await spool?.recall(name);
      if (known === undefined) return undefined;
      written = known.toString('utf8');
      return JSON.parse(written) as Facts;
    },
    keep({ partitionCount, maxBatchBytes }: Facts): Promise<void> {
      newest = JSON.stringify({ partitionCount, maxBatchBytes });
      return write();
    },
    close: () => cancelRetry?.(),
  };
}
