import type { TopicMessage } from '../../events/index.js';
import type { PublishError, TopicPublisher } from '../../messaging/index.js';
import { createTurns } from '../../shared/turns.js';
import { createHealth } from './health.js';
import { openOutlet } from './outlet.js';
import type { SpooledItem } from './passenger.js';
import { closeSink, isTaking, reportOf, type Sink, type SinkDeps, type SinkOptions } from './sink.js';
import type { Outcome, Ticket } from './ticket.js';

/** A message on its way, and the place in a ticket that it settles. */
class TopicItem implements SpooledItem {
  readonly message: TopicMessage;
  readonly bytes: number;
  readonly #ticket: Ticket;
  readonly #index: number;

  constructor(message: TopicMessage, ticket: Ticket, index: number) {
    this.message = message;
    this.bytes = message.body.length;
    this.#ticket = ticket;
    this.#index = index;
  }

  get deadlineMs(): number {
    return this.#ticket.deadlineMs;
  }

  settle(outcome: Outcome): void {
    this.#ticket.settle([this.#index], outcome);
  }

  toRecord(): Buffer {
    return encode(this.message);
  }
}

/** The largest batch of any Service Bus tier; smaller limits are the publisher's to keep. */
const MAX_BATCH_BYTES = 1024 * 1024;

/** A few dozen messages: encoding one batch then overlaps with the broker's work on the one before. */
const PIPELINE_BYTES = 16 * 1024;

export function createTopicSink(
  topic: string,
  deps: SinkDeps & { readonly publisher: TopicPublisher },
  options: SinkOptions,
): Sink {
  const name = `topic:${topic}`;
  const health = createHealth({
    ...deps,
    probe: () => deps.publisher.probe(),
    onChange(report) {
      deps.onHealth(name, report);
      if (report.state === 'up') lane.resume();
    },
  });
  deps.publisher.onLost(health.check);
  const lane = openOutlet<TopicItem>(
    deps,
    {
      destination: name,
      part: 'all',
      isUp: health.isUp,
      onError: (error: PublishError) => health.fail(error),
      send: (items) => deps.publisher.send(items.map((item) => item.message)),
      sendRecords: (bodies) => deps.publisher.send(bodies.map(decode)),
      recordOverheadBytes: 0,
      drainInTurn: createTurns(),
    },
    // The publisher takes what fits: only it knows the link's limit and the size of what it encodes.
    { maxBatchBytes: MAX_BATCH_BYTES, timeoutMs: options.timeoutMs, pipelineBytes: PIPELINE_BYTES },
  );

  return {
    kind: 'topic',
    name,
    report: () => reportOf(name, health, deps),
    isReady: () => isTaking(name, health, deps),
    retryAfterSeconds: () => deps.spool?.retryAfterSeconds(name),
    start: health.start,
    isIdle: lane.isIdle,
    add(events, ticket) {
      for (const { message, index } of events) {
        if (message !== undefined) lane.add(new TopicItem(message, ticket, index));
      }
    },
    close: () => closeSink(health, [lane], deps.publisher),
  };
}

const encode = (message: TopicMessage): Buffer => Buffer.from(JSON.stringify(message));

/** Written by `encode` and by nothing else: the spool's folder is this process's own. */
const decode = (body: Buffer): TopicMessage => JSON.parse(body.toString('utf8')) as TopicMessage;
