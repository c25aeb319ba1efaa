import { EventHubConsumerClient, earliestEventPosition } from '@azure/event-hubs';
import { ServiceBusClient } from '@azure/service-bus';
import { type PenstockEvent, parseEvent, parsePack } from '../../../src/events/index.js';
import { createGateway } from '../../../src/gateway/index.js';
import { createHubPublisher, createTopicPublisher, type HubPublisher } from '../../../src/messaging/index.js';
import { systemClock } from '../../../src/shared/clock.js';
import { configSchema } from '../../../src/shared/config/index.js';
import { createLogger } from '../../../src/shared/logger.js';
import { startTestBroker } from '../../helpers/broker.js';
import { waitFor } from '../../helpers/wait.js';

export const WRITE_KEY = 'a-write-key';
/** Jitsu's SDK takes no key but one of an id and a secret. */
export const JITSU_KEY = 'shop:secret-key';

/** As much may wait for the brokers, so that a test can fill it. */
const PENDING_BYTES = 64 * 1024;
const FILLER = 'filler';

export interface SdkStack {
  /** Such as `http://127.0.0.1:40123`. */
  readonly url: string;
  /** What the gateway answered to requests but preflights, in order. */
  readonly answers: readonly { readonly url: string; readonly status: number }[];
  /** Every event that is in the hub or on the topic, as their official clients read them, once `count` have come. */
  events(count: number): Promise<readonly PenstockEvent[]>;
  /**
   * The gateway is full when `send` sends: it answers 429 (or 503, as the protocol has it) until somebody was told so
   * `times` times, and then takes events again.
   */
  overload(times: number, send: () => unknown): Promise<void>;
  stop(): Promise<void>;
}

/** A gateway as it runs, in front of a real broker, for SDKs to send to. */
export async function startSdkStack(): Promise<SdkStack> {
  const broker = await startTestBroker();
  const { connectionString } = broker;
  const options = configSchema.parse({}).gateway;
  const publisherOptions = { timeoutMs: options.limits.publishTimeoutMs };
  let aheadMs = 0;
  const gate = createGate();
  const gateway = await createGateway(
    {
      clock: { ...systemClock, now: () => systemClock.now() + aheadMs },
      random: Math.random,
      logger: createLogger('sdk-gateway', 'fatal'),
      openHub: (name) => gate.hold(createHubPublisher({ connectionString }, name, publisherOptions)),
      openTopic: (name) => createTopicPublisher({ connectionString }, name, publisherOptions),
    },
    {
      ...options,
      sources: [{ name: 'shop', writeKey: WRITE_KEY, keys: [{ writeKey: JITSU_KEY, kind: 'server' }] }],
      limits: { ...options.limits, pendingBytes: PENDING_BYTES, publishTimeoutMs: 60_000 },
    },
  );
  const answers: { url: string; status: number }[] = [];
  gateway.app.addHook('onResponse', (request, reply, done) => {
    if (request.method !== 'OPTIONS' && request.headers['x-filler'] === undefined)
      answers.push({ url: request.url, status: reply.statusCode });
    done();
  });
  const url = await gateway.listen({ host: '127.0.0.1', port: 0 });
  const arrived = readEverything(connectionString);

  const fill = (bytes: number) =>
    fetch(`${url}/v1/events`, {
      method: 'POST',
      headers: { authorization: `Bearer ${WRITE_KEY}`, 'x-filler': '1' },
      body: JSON.stringify(Array(Math.ceil(bytes / 1024)).fill({ type: FILLER, text: 'x'.repeat(1024) })),
    });

  return {
    url,
    answers,
    async events(count) {
      await waitFor(`${count} events`, () => arrived.events.length >= count);
      return arrived.events;
    },
    async overload(times, send) {
      // A drain that was fast a moment ago makes the wait that the gateway asks for a second.
      await (await fill(10 * PENDING_BYTES)).json();
      aheadMs += 1000;
      const reached = gate.shut();
      const held = fill(PENDING_BYTES);
      await reached;
      const before = answers.length;
      await send();
      await waitFor('the SDK to be told', () => {
        const told = answers.slice(before).filter(({ status }) => status === 429 || status === 503);
        return told.length >= times;
      });
      gate.open();
      await (await held).json();
    },
    async stop() {
      await arrived.close();
      await gateway.stop({ deadlineMs: 2000 });
      await broker.remove();
    },
  };
}

/** Between the gateway and its hub: while it is shut, what is sent waits, as it does when a broker is slow. */
function createGate() {
  let opened: Promise<void> = Promise.resolve();
  let open = () => {};
  let onReached = () => {};
  return {
    open: () => open(),
    /** Resolves when something waits. */
    shut(): Promise<void> {
      opened = new Promise((resolve) => {
        open = resolve;
      });
      return new Promise((resolve) => {
        onReached = resolve;
      });
    },
    hold(publisher: HubPublisher): HubPublisher {
      return {
        describe: () => publisher.describe(),
        send: async (partition, bodies) => {
          onReached();
          await opened;
          return publisher.send(partition, bodies);
        },
        onLost: (listener) => publisher.onLost(listener),
        close: () => publisher.close(),
      };
    },
  };
}

function readEverything(connectionString: string) {
  const events: PenstockEvent[] = [];
  const keep = (event: PenstockEvent) => void (event.type === FILLER || events.push(event));
  const hub = new EventHubConsumerClient('replay', connectionString, 'clicks');
  const subscription = hub.subscribe(
    {
      processEvents: async (received) => {
        for (const { body } of received) parsePack(body).forEach(keep);
      },
      processError: async () => {},
    },
    { startPosition: earliestEventPosition, maxWaitTimeInSeconds: 1 },
  );
  const bus = new ServiceBusClient(connectionString);
  const receiver = bus.createReceiver('events', 'audit');
  receiver.subscribe({
    processMessage: async ({ body }) => keep(parseEvent(body)),
    processError: async () => {},
  });
  return {
    events,
    async close() {
      await subscription.close();
      await hub.close();
      await receiver.close();
      await bus.close();
    },
  };
}

/** The one event with this id; fails when there are several. */
export function only(events: readonly PenstockEvent[], id: string): PenstockEvent {
  const found = events.filter((event) => event.id === id);
  const [event] = found;
  if (event === undefined || found.length > 1) throw new Error(`${found.length} events have the id ${id}`);
  return event;
}
