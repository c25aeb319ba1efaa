import type { TopicMessage } from '../../events/index.js';
import type { HubPublisher, PublishError, TopicPublisher } from '../../messaging/index.js';
import type { Clock } from '../../shared/clock.js';
import { partitionForKey } from '../../shared/partition-hash.js';
import { createHealth, type Health, type HealthReport } from './health.js';
import { createLane, type Lane, type LaneItem } from './lane.js';
import { createChunker, createPacker, PACK_OVERHEAD_BYTES, type Pack, type PackingOptions } from './packing.js';
import type { Failure, Ticket } from './ticket.js';

/** A sound event on its way. */
export interface OutgoingEvent {
  /** Its JSON text. */
  readonly json: string;
  /** Events with the same key stay in order. */
  readonly partitionKey: string;
  /** Made when the destination is a topic. */
  readonly message: TopicMessage | undefined;
  /** Of the event in its request. */
  readonly index: number;
}

/** One destination: a hub or a topic, with its queue, its connection and its health of its own. */
export interface Sink {
  readonly kind: 'hub' | 'topic';
  readonly name: string;
  report(): HealthReport;
  /** Takes the events of one request; every one of them settles its place in the ticket exactly once. */
  add(events: readonly OutgoingEvent[], ticket: Ticket): void;
  start(): Promise<void>;
  isIdle(): boolean;
  /** Fails what still waits, and closes the connection. */
  close(): Promise<void>;
}

export interface SinkDeps {
  readonly clock: Clock;
  readonly random: () => number;
  readonly defer: (task: () => void) => void;
  readonly onHealth: (sink: string, report: HealthReport) => void;
}

export interface SinkOptions {
  readonly timeoutMs: number;
}

interface TopicItem extends LaneItem {
  readonly message: TopicMessage;
}

/** What a batch costs beyond its items. */
const BATCH_OVERHEAD_BYTES = 1024;

interface Partition {
  readonly lane: Lane<Pack>;
  readonly packer: ReturnType<typeof createPacker>;
  readonly packing: PackingOptions;
}

export function createHubSink(
  hub: string,
  deps: SinkDeps & { readonly publisher: HubPublisher },
  options: SinkOptions & { readonly packing: PackingOptions },
): Sink {
  const name = `hub:${hub}`;
  const partitions: Partition[] = [];
  const health = createHealth({
    ...deps,
    probe: async () => {
      const facts = await deps.publisher.describe();
      // A hub's partitions can be added to. Those that are there keep what waits in them.
      while (partitions.length < facts.partitionCount) partitions.push(open(partitions.length, facts.maxBatchBytes));
    },
    onChange: (report) => deps.onHealth(name, report),
  });
  deps.publisher.onLost(health.check);
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
    const send = async (packs: readonly Pack[]) => {
      await deps.publisher.send(
        partition,
        packs.map((pack) => pack.close()),
      );
      return packs.length;
    };
    const lane = createLane<Pack>(
      { ...deps, onError, send },
      { maxBatchBytes, timeoutMs: options.timeoutMs, pipelineBytes: packing.maxBytes },
    );
    return { lane, packer: createPacker(packing, lane.add), packing };
  };

  return {
    kind: 'hub',
    name,
    report: health.report,
    start: health.start,
    isIdle: () => partitions.every(({ lane }) => lane.isIdle()),
    add(events, ticket) {
      if (!health.isUp()) {
        ticket.settle(indexesOf(events), 'unavailable');
        return;
      }
      const chunkers = partitions.map(({ packer, packing }) =>
        createChunker(packing, (chunk) => packer.add(chunk, ticket)),
      );
      for (const { json, partitionKey, index } of events) {
        chunkers[partitionForKey(partitionKey, chunkers.length)]?.add(json, index);
      }
      for (const chunker of chunkers) chunker.flush();
    },
    close: () =>
      closeSink(
        health,
        partitions.map(({ lane }) => lane),
        deps.publisher,
      ),
  };
}

function indexesOf(events: readonly OutgoingEvent[]): number[] {
  return events.map((event) => event.index);
}

export function createTopicSink(
  topic: string,
  deps: SinkDeps & { readonly publisher: TopicPublisher },
  options: SinkOptions,
): Sink {
  const name = `topic:${topic}`;
  const health = createHealth({
    ...deps,
    probe: () => deps.publisher.probe(),
    onChange: (report) => deps.onHealth(name, report),
  });
  deps.publisher.onLost(health.check);
  const lane = createLane<TopicItem>(
    {
      ...deps,
      onError: (error) => health.fail(error),
      send: (items) => deps.publisher.send(items.map((item) => item.message)),
    },
    // The publisher takes what fits: only it knows the link's limit and the size of what it encodes.
    { maxBatchBytes: MAX_TOPIC_BATCH_BYTES, timeoutMs: options.timeoutMs, pipelineBytes: TOPIC_PIPELINE_BYTES },
  );

  return {
    kind: 'topic',
    name,
    report: health.report,
    start: health.start,
    isIdle: lane.isIdle,
    add(events, ticket) {
      if (!health.isUp()) {
        ticket.settle(indexesOf(events), 'unavailable');
        return;
      }
      for (const { message, index } of events) {
        if (message === undefined) continue;
        const settle = (failure?: Failure) => ticket.settle([index], failure);
        lane.add({ message, bytes: message.body.length, deadlineMs: ticket.deadlineMs, settle });
      }
    },
    close: () => closeSink(health, [lane], deps.publisher),
  };
}

/** The largest batch of any Service Bus tier; smaller limits are the publisher's to keep. */
const MAX_TOPIC_BATCH_BYTES = 1024 * 1024;

/** A few dozen messages: encoding one batch then overlaps with the broker's work on the one before. */
const TOPIC_PIPELINE_BYTES = 16 * 1024;

async function closeSink(
  health: Health,
  lanes: readonly { failWaiting(failure: 'unavailable'): void }[],
  publisher: { close(): Promise<void> },
): Promise<void> {
  health.stop();
  for (const lane of lanes) lane.failWaiting('unavailable');
  await publisher.close();
}
