import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ServiceBusClient, type ServiceBusReceivedMessage, type ServiceBusReceiver } from '@azure/service-bus';
import { expect } from 'vitest';
import { WebSocket } from 'ws';
import { hub, startTestBroker, type TestBroker } from '../../../helpers/broker.js';
import { startAdministrationClient } from '../../admin/administration-client.js';

/** What every test of the suite stands on: the embedded broker, or whatever the environment names. */
export interface Service {
  readonly connectionString: string;
  readonly client: ServiceBusClient;
  /** A client that speaks AMQP over WebSockets; who asks for it closes it. */
  overWebSockets(): ServiceBusClient;
  /** Connection string and name of an event hub with 2 partitions or more, and the group `$Default`. */
  readonly hub: { readonly connectionString: string; readonly name: string };
  /** Makes an entity of a name of its own, which goes with the suite. */
  queue(options?: object): Promise<string>;
  topic(options?: object): Promise<string>;
  subscription(topic: string, name: string, options?: object): Promise<void>;
  /** Calls a method of ServiceBusAdministrationClient. */
  admin<T = unknown>(method: string, ...args: unknown[]): Promise<T>;
  /** Calls it and answers the error. */
  refusal(method: string, ...args: unknown[]): Promise<Refusal>;
  /** The connection string of somebody with another key. */
  connectionStringOf(key: { readonly name: string; readonly key: string }): string;
  /** How a call is refused to whoever has that connection string. */
  refusalTo(connectionString: string, method: string, ...args: unknown[]): Promise<Refusal>;
  close(): Promise<void>;
}

interface Refusal {
  readonly code: string;
  readonly statusCode: number;
}

const HUB = 'conformance';

async function startEmbedded() {
  const broker = await startTestBroker({ queues: [], topics: [], hubs: [hub(HUB)] });
  return { broker, connectionString: broker.connectionString };
}

interface Place {
  readonly broker?: TestBroker;
  readonly connectionString: string;
}

/**
 * Any namespace will do, Azure's too: PENSTOCK_CONFORMANCE_CONNECTION_STRING with the rights to manage it, and for the
 * hub PENSTOCK_CONFORMANCE_EVENTHUBS_CONNECTION_STRING and PENSTOCK_CONFORMANCE_EVENTHUB.
 */
export async function openService(): Promise<Service> {
  const { env } = process;
  const given = env['PENSTOCK_CONFORMANCE_CONNECTION_STRING'];
  const place: Place = given === undefined ? await startEmbedded() : { connectionString: given };
  const { broker, connectionString } = place;
  const administration = startAdministrationClient(connectionString, broker?.caFile);
  const client = new ServiceBusClient(connectionString, { retryOptions: { maxRetries: 0 } });
  const made: (readonly [method: string, name: string])[] = [];
  const unique = (kind: string) => `conformance-${kind}-${randomUUID().slice(0, 13)}`;

  async function admin<T>(method: string, ...args: unknown[]): Promise<T> {
    const { value, error } = await administration.call(method, ...args);
    if (error !== undefined) throw Object.assign(new Error(`${method}: ${error.message}`), error);
    return value as T;
  }
  async function make(kind: 'Queue' | 'Topic', options: object): Promise<string> {
    const name = unique(kind.toLowerCase());
    await admin(`create${kind}`, name, options);
    made.push([`delete${kind}`, name]);
    return name;
  }

  async function refused(call: ReturnType<typeof administration.call>, method: string): Promise<Refusal> {
    const { error, value } = await call;
    if (error === undefined) throw new Error(`${method} was not refused: ${JSON.stringify(value)}`);
    return error;
  }

  return {
    connectionString,
    client,
    overWebSockets() {
      const constructorOptions = broker && { webSocketConstructorOptions: { ca: readFileSync(broker.caFile) } };
      return new ServiceBusClient(connectionString, {
        webSocketOptions: { webSocket: WebSocket, ...constructorOptions },
      });
    },
    hub: {
      connectionString: env['PENSTOCK_CONFORMANCE_EVENTHUBS_CONNECTION_STRING'] ?? connectionString,
      name: env['PENSTOCK_CONFORMANCE_EVENTHUB'] ?? HUB,
    },
    queue: (options = {}) => make('Queue', options),
    topic: (options = {}) => make('Topic', options),
    async subscription(topic, name, options = {}) {
      await admin('createSubscription', topic, name, options);
    },
    admin,
    refusal: (method, ...args) => refused(administration.call(method, ...args), method),
    connectionStringOf: ({ name, key }) =>
      connectionString
        .replace(/SharedAccessKeyName=[^;]+/, `SharedAccessKeyName=${name}`)
        .replace(/SharedAccessKey=[^;]+/, `SharedAccessKey=${key}`),
    async refusalTo(given, method, ...args) {
      const stranger = startAdministrationClient(given, broker?.caFile);
      try {
        return await refused(stranger.call(method, ...args), method);
      } finally {
        stranger.close();
      }
    },
    async close() {
      await client.close();
      // What was made in somebody's namespace must not stay there; the embedded broker goes whole.
      if (broker === undefined) for (const [method, name] of made) await administration.call(method, name);
      administration.close();
      await broker?.remove();
    },
  };
}

/** The next `count` messages. A service may need a moment, and may give them in pieces. */
export async function receive(receiver: ServiceBusReceiver, count: number): Promise<ServiceBusReceivedMessage[]> {
  const messages: ServiceBusReceivedMessage[] = [];
  for (let attempt = 0; messages.length < count && attempt < 60; attempt++) {
    messages.push(...(await receiver.receiveMessages(count - messages.length, { maxWaitTimeInMs: 1000 })));
  }
  expect(messages).toHaveLength(count);
  return messages;
}

export async function receiveOne(receiver: ServiceBusReceiver): Promise<ServiceBusReceivedMessage> {
  const [message] = await receive(receiver, 1);
  return message as ServiceBusReceivedMessage;
}

/** That nothing can be received now. */
export async function expectNothing(receiver: ServiceBusReceiver): Promise<void> {
  expect(await receiver.receiveMessages(1, { maxWaitTimeInMs: 300 })).toEqual([]);
}

export const sequenceOf = (message: ServiceBusReceivedMessage): number => message.sequenceNumber?.toNumber() ?? -1;
