import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { EventHubConsumerClient, EventHubProducerClient, earliestEventPosition } from '@azure/event-hubs';
import { ServiceBusClient } from '@azure/service-bus';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { startTestBroker, type TestBroker } from '../../helpers/broker.js';

const PATH = '/$servicebus/websocket';
const SASL_HEADER = Buffer.from('AMQP\x03\x01\x00\x00', 'latin1');

let broker: TestBroker;
let ca: Buffer;
beforeAll(async () => {
  broker = await startTestBroker();
  ca = readFileSync(broker.caFile);
});
afterAll(() => broker.remove());

const sdkOptions = () => ({
  webSocketOptions: { webSocket: WebSocket, webSocketConstructorOptions: { ca } },
});
const plain = (path = PATH, protocols: string | string[] = 'amqp') =>
  new WebSocket(`ws://127.0.0.1:${broker.port}${path}`, protocols);

/** The status with which the request to become a WebSocket is refused. */
const refusal = (socket: WebSocket) =>
  new Promise<number | undefined>((resolve) => {
    socket.on('error', () => {});
    socket.once('open', () => resolve(undefined));
    socket.once('unexpected-response', (_request, response) => resolve(response.statusCode));
  });

describe('AMQP over WebSockets', () => {
  it('carries the official Service Bus client, with messages of nearly the largest size', async () => {
    const client = new ServiceBusClient(broker.connectionString, sdkOptions());
    const sender = client.createSender('events');
    const body = Buffer.alloc(900 * 1024, 7);
    const ids = Array.from({ length: 12 }, (_, index) => `large-${index}`);
    await Promise.all(ids.map((messageId) => sender.sendMessages({ messageId, body })));
    const receiver = client.createReceiver('events', 'audit');
    const got: string[] = [];
    while (got.length < ids.length) {
      for (const message of await receiver.receiveMessages(ids.length, { maxWaitTimeInMs: 20_000 })) {
        expect(message.body.length).toBe(body.length);
        got.push(String(message.messageId));
        await receiver.completeMessage(message);
      }
    }
    expect(got.sort()).toEqual([...ids].sort());
    await client.close();
  });

  it('carries the official Event Hubs clients', async () => {
    const producer = new EventHubProducerClient(broker.connectionString, 'clicks', sdkOptions());
    await producer.sendBatch([{ body: 'over a web socket' }], { partitionId: '1' });
    await producer.close();
    const consumer = new EventHubConsumerClient('$Default', broker.connectionString, 'clicks', sdkOptions());
    const body = await new Promise((resolve, reject) => {
      const handlers = {
        processEvents: async (events: readonly { body: unknown }[]) => {
          if (events[0]) resolve(events[0].body);
        },
        processError: async (error: unknown) => reject(error),
      };
      consumer.subscribe('1', handlers, { startPosition: earliestEventPosition, maxWaitTimeInSeconds: 1 });
    });
    expect(body).toBe('over a web socket');
    await consumer.close();
  });

  it.each(['amqp', 'AMQPWSB10'])('is there without TLS too, with the subprotocol %s', async (protocol) => {
    const socket = plain(PATH, protocol);
    await once(socket, 'open');
    expect(socket.protocol).toBe(protocol);
    socket.send(SASL_HEADER);
    const [answer] = (await once(socket, 'message')) as [Buffer];
    expect(answer.subarray(0, 8)).toEqual(SASL_HEADER);
    socket.terminate();
  });

  it('takes a message cut in fragments, and frames cut in messages', async () => {
    const socket = plain();
    await once(socket, 'open');
    socket.send(SASL_HEADER.subarray(0, 3), { fin: false });
    socket.send(SASL_HEADER.subarray(3, 5), { fin: true });
    socket.send(SASL_HEADER.subarray(5));
    const [answer] = (await once(socket, 'message')) as [Buffer];
    expect(answer.subarray(0, 8)).toEqual(SASL_HEADER);
    socket.terminate();
  });

  it('is at one path only, whatever its case, and for its own subprotocols only', async () => {
    expect(await refusal(plain('/$ServiceBus/WebSocket?sb-hc-action=connect'))).toBeUndefined();
    expect(await refusal(plain('/'))).toBe(404);
    expect(await refusal(plain('/events'))).toBe(404);
    expect(await refusal(plain(PATH, 'mqtt'))).toBe(400);
    expect(await refusal(plain(PATH, []))).toBe(400);
  });

  it.each([
    ['text', 1003, (socket: WebSocket) => socket.send('AMQP')],
    ['a message beyond the bound', 1009, (socket: WebSocket) => socket.send(Buffer.alloc(5 * 1024 * 1024))],
  ])('closes the socket of whoever sends %s', async (_what, code, send) => {
    const socket = plain();
    socket.on('error', () => {});
    await once(socket, 'open');
    send(socket);
    const [closed] = await once(socket, 'close');
    expect([code, 1006]).toContain(closed);
  });
});
