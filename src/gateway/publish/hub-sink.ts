import type { HubPublisher, PublishError } from '../../messaging/index.js';
import { partitionForKey } from '../../shared/partition-hash.js';
import { createHealth } from './health.js';
import { openOutlet } from './outlet.js';
import { createChunker, createPacker, PACK_OVERHEAD_BYTES, type Pack, type PackingOptions } from './packing.js';
import {
  BATCH_OVERHEAD_BYTES,
  closeSink,
  indexesOf,
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

export function createHubSink(
  hub: string,
  deps: SinkDeps & { readonly publisher: HubPublisher },
  options: SinkOptions & { readonly packing: PackingOptions },
): Sink {
  const name = `hub:${hub}`;
  const { publisher, spool } = deps;
  const partitions: Partition[] = [];
  const health = createHealth({
    ...deps,
    async probe() {
      const facts = await publisher.describe();
      if (facts.partitionCount > partitions.length) await spool?.remember(name, encode(facts)).catch(() => {});
      openAll(facts);
    },
    onChange(report) {
      deps.onHealth(name, report);
      if (report.state === 'up') for (const { lane } of partitions) lane.resume();
    },
  });
  publisher.onLost(health.check);

  /** A hub's partitions can be added to. Those that are there keep what waits in them. */
  const openAll = ({ partitionCount, maxBatchBytes }: Facts) => {
    while (partitions.length < partitionCount) partitions.push(open(partitions.length, maxBatchBytes));
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
      await publisher.send(partition, bodies);
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
      },
      { maxBatchBytes, timeoutMs: options.timeoutMs, pipelineBytes: packing.maxBytes },
    );
    return { lane, packer: createPacker(packing, lane.add), packing };
  };

  /** An event alone is a chunk by itself. */
  const addOne = ({ json, partitionKey, index }: OutgoingEvent, ticket: Ticket) => {
    const partition = partitionForKey(partitionKey, partitions.length);
    ticket.place(index, partition);
    partitions[partition]?.packer.add({ json, indexes: [index] }, ticket);
  };

  return {
    kind: 'hub',
    name,
    report: () => reportOf(name, health, deps),
    isReady: () => health.isUp() || (partitions.length > 0 && spool?.hasRoom(name, 0) === true),
    retryAfterSeconds: () => spool?.retryAfterSeconds(name),
    async start() {
      const known = await spool?.recall(name);
      if (known !== undefined) openAll(decode(known));
      await health.start();
    },
    isIdle: () => partitions.every(({ lane }) => lane.isIdle()),
    add(events, ticket) {
      if (partitions.length === 0) {
        ticket.settle(indexesOf(events), 'unavailable');
        return;
      }
      const [only] = events;
      if (only !== undefined && events.length === 1) {
        addOne(only, ticket);
        return;
      }
      const chunkers = partitions.map(({ packer, packing }) =>
        createChunker(packing, (chunk) => packer.add(chunk, ticket)),
      );
      for (const { json, partitionKey, index } of events) {
        const partition = partitionForKey(partitionKey, chunkers.length);
        ticket.place(index, partition);
        chunkers[partition]?.add(json, index);
      }
      for (const chunker of chunkers) chunker.flush();
    },
    close: () =>
      closeSink(
        health,
        partitions.map(({ lane }) => lane),
        publisher,
      ),
  };
}

const encode = ({ partitionCount, maxBatchBytes }: Facts): Buffer =>
  Buffer.from(JSON.stringify({ partitionCount, maxBatchBytes }));

/** Written by `encode` and by nothing else. */
const decode = (bytes: Buffer): Facts => JSON.parse(bytes.toString('utf8')) as Facts;
