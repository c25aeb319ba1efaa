import type { HubPublisher } from '../../messaging/index.js';
import { type CancelTimer, every } from '../../shared/clock.js';
import { partitionForKey } from '../../shared/partition-hash.js';
import { createHealth } from './health.js';
import { createFactsKeeper } from './hub-facts.js';
import { createHubPartitions, type HubPartitionsOptions } from './hub-partitions.js';
import { createChunker } from './packing.js';
import { closeSink, indexesOf, isTaking, type OutgoingEvent, reportOf, type Sink, type SinkDeps } from './sink.js';
import type { Ticket } from './ticket.js';

/** Partitions that are added to a hub get their share of the events this soon. */
const REFRESH_MS = 60_000;

export function createHubSink(
  hub: string,
  deps: SinkDeps & { readonly publisher: HubPublisher },
  options: HubPartitionsOptions,
): Sink {
  const name = `hub:${hub}`;
  const { publisher, spool, clock } = deps;
  const facts = createFactsKeeper(name, deps);
  const health = createHealth({
    ...deps,
    probe: () => learn(),
    onChange(report) {
      deps.onHealth(name, report);
      if (report.state === 'up') for (const lane of partitions.lanes()) lane.resume();
    },
  });
  publisher.onLost(health.check);
  const partitions = createHubPartitions(
    {
      ...deps,
      name,
      isUp: health.isUp,
      onError(error) {
        health.fail(error);
        for (const lane of partitions.lanes()) lane.failWaiting('unavailable');
      },
    },
    options,
  );
  const learn = async () => {
    const seen = await publisher.describe();
    partitions.open(seen);
    await facts.keep(seen);
  };
  let stopRefreshing: CancelTimer = () => {};
  /** Whether it succeeds says nothing: what is wrong with the hub is seen by what is sent. */
  const refresh = async () => {
    if (health.isUp()) await learn().catch(() => {});
  };

  /** An event alone is a chunk by itself. */
  const addOne = ({ json, partitionKey, index }: OutgoingEvent, ticket: Ticket) => {
    const partition = partitionForKey(partitionKey, partitions.count());
    ticket.place(index, partition);
    partitions.at(partition)?.packer.add({ json, indexes: [index] }, ticket);
  };
  const addAll = (events: readonly OutgoingEvent[], ticket: Ticket) => {
    const chunkers = partitions
      .ofHub()
      .map(({ packer, packing }) => createChunker(packing, (chunk) => packer.add(chunk, ticket)));
    for (const { json, partitionKey, index } of events) {
      const partition = partitionForKey(partitionKey, chunkers.length);
      ticket.place(index, partition);
      chunkers[partition]?.add(json, index);
    }
    for (const chunker of chunkers) chunker.flush();
  };

  return {
    kind: 'hub',
    name,
    report: () => reportOf(name, health, deps),
    // A hub that was never seen has no partitions to be kept for.
    isReady: () => (health.isUp() || partitions.count() > 0) && isTaking(name, health, deps),
    retryAfterSeconds: () => spool?.retryAfterSeconds(name),
    async start() {
      const known = await facts.recall();
      if (known !== undefined) partitions.open(known);
      stopRefreshing = every(clock, REFRESH_MS, refresh);
      await health.start();
    },
    isIdle: () => partitions.lanes().every((lane) => lane.isIdle()),
    add(events, ticket) {
      const [only] = events;
      if (partitions.count() === 0) ticket.settle(indexesOf(events), 'unavailable');
      else if (only !== undefined && events.length === 1) addOne(only, ticket);
      else addAll(events, ticket);
    },
    close() {
      stopRefreshing();
      facts.close();
      return closeSink(health, partitions.lanes(), publisher);
    },
  };
}
