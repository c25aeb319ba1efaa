import { connect, type Socket } from 'node:net';
import { EventHubProducerClient } from '@azure/event-hubs';
import rhea from 'rhea';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestBroker, type TestBroker } from '../../helpers/broker.js';

const HEADER = Buffer.from([0x41, 0x4d, 0x51, 0x50, 0, 1, 0, 0]);
const OPEN = frame(Buffer.from([0x00, 0x53, 0x10, 0xc0, 5, 1, 0xa1, 2, 0x6d, 0x65]));

function frame(body: Buffer, channel = 0): Buffer {
  const head = Buffer.from([0, 0, 0, 0, 2, 0, 0, channel]);
  head.writeUInt32BE(body.length + 8, 0);
  return Buffer.concat([head, body]);
}

describe('a broker among hostile peers', () => {
  let broker: TestBroker;
  beforeAll(async () => {
    broker = await startTestBroker();
  });
  afterAll(() => broker.remove());

  /** Sends bytes and resolves when the broker has ended the connection. */
  const cutOff = (...parts: Buffer[]): Promise<void> =>
    new Promise((resolve) => {
      const socket: Socket = connect(broker.port, '127.0.0.1', () => {
        for (const part of parts) socket.write(part);
      });
      socket.on('error', () => {});
      socket.on('close', () => resolve());
      socket.on('end', () => socket.destroy());
      socket.resume();
    });

  async function serves(): Promise<void> {
    const producer = new EventHubProducerClient(broker.connectionString, 'clicks');
    expect(await producer.getPartitionIds()).toHaveLength(4);
    await producer.close();
  }

  it('cuts off whoever announces a frame of four gigabytes', async () => {
    const huge = Buffer.from([0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0]);
    await cutOff(HEADER, Buffer.concat([huge, Buffer.alloc(64)]));
    await serves();
  });

  it('cuts off whoever packs billions of nothings into ten bytes', async () => {
    const array = Buffer.from([0x00, 0x53, 0x10, 0xf0, 0, 0, 0, 5, 0xff, 0xff, 0xff, 0xff, 0x40]);
    await cutOff(HEADER, frame(array));
    await serves();
  });

  it('cuts off whoever nests values without end', async () => {
    await cutOff(HEADER, frame(Buffer.concat([Buffer.alloc(100_000), Buffer.from([0x53, 0x10])])));
    await serves();
  });

  it.each([
    ['no frame at all', Buffer.from('AMQP is not what comes now: '.repeat(10))],
    ['a frame before open', Buffer.concat([HEADER, frame(Buffer.from([0x00, 0x53, 0x12, 0x45]))])],
    ['open twice', Buffer.concat([HEADER, OPEN, OPEN])],
    [
      'a transfer on a channel that was never begun',
      Buffer.concat([HEADER, OPEN, frame(Buffer.from([0x00, 0x53, 0x14, 0x45]), 7)]),
    ],
    ['an unknown performative', Buffer.concat([HEADER, OPEN, frame(Buffer.from([0x00, 0x53, 0x7f, 0x45]))])],
    ['a frame too small for itself', Buffer.concat([HEADER, Buffer.from([0, 0, 0, 1, 2, 0, 0, 0, 0])])],
  ])('cuts off whoever sends %s', async (_name, bytes) => {
    await cutOff(bytes);
    await serves();
  });

  it('refuses every link of a client without a token, whatever it names', async () => {
    const container = rhea.create_container({ id: 'stranger' });
    const connection = container.connect({ host: '127.0.0.1', port: broker.port, username: 'x', reconnect: false });
    const refused: string[] = [];
    const addresses = ['events', 'clicks', 'clicks/Partitions/0', 'nowhere', '$management', 'events/$management', ''];
    await new Promise<void>((resolve) => {
      const onError = (link: { error?: unknown }) => {
        refused.push(String((link.error as { condition?: string } | undefined)?.condition));
        if (refused.length === addresses.length * 2) resolve();
      };
      container.on('sender_error', ({ sender }) => onError(sender ?? {}));
      container.on('receiver_error', ({ receiver }) => onError(receiver ?? {}));
      for (const address of addresses) {
        connection.open_sender({ target: { address } });
        connection.open_receiver({ source: { address } });
      }
    });
    expect(new Set(refused)).toEqual(new Set(['amqp:unauthorized-access', 'amqp:not-found']));
    connection.close();
    await serves();
  });

  it('lets in whoever shows the key at the door', async () => {
    const key = /SharedAccessKey=([^;]+)/.exec(broker.connectionString)?.[1] ?? '';
    const outcome = (password: string) =>
      new Promise<string>((resolve) => {
        const container = rhea.create_container({ id: 'plain' });
        const username = 'RootManageSharedAccessKey';
        // Without anonymous among its mechanisms the client has to use PLAIN.
        const connection = container.connect({
          host: '127.0.0.1',
          port: broker.port,
          username,
          password,
          reconnect: false,
        });
        container.on('sender_open', () => {
          connection.close();
          resolve('open');
        });
        container.on('sender_error', ({ sender }) =>
          resolve(String((sender?.error as { condition?: string } | undefined)?.condition)),
        );
        container.on('connection_error', () => {});
        container.on('connection_close', () => resolve('refused'));
        container.on('disconnected', () => resolve('refused'));
        connection.open_sender('clicks');
      });
    expect(await outcome(key)).toBe('open');
    expect(await outcome('guess')).toBe('refused');
  });
});
