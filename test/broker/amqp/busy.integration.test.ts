import { ServiceBusClient } from '@azure/service-bus';
import type { Connection, EventContext } from 'rhea';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectRaw } from '../../helpers/amqp-client.js';
import { startTestBroker, type TestBroker } from '../../helpers/broker.js';
import { requestManagement } from '../management-request.js';

const BOUND = 16 * 1024;

describe('a broker that has no more room for what is sent', () => {
  let broker: TestBroker;
  beforeAll(async () => {
    broker = await startTestBroker(undefined, {
      memoryBounds: { waitingBytes: BOUND, refusedBytes: BOUND, incompleteBytes: 4 * BOUND },
    });
  });
  afterAll(() => broker.remove());

  const countOf = async () => {
    const response = await fetch(`http://127.0.0.1:${broker.port}/status`);
    const { topics } = (await response.json()) as { topics: { subscriptions: { counts: { active: number } }[] }[] };
    return topics[0]?.subscriptions[0]?.counts.active;
  };

  /** Sends them in one go; resolves with the condition of each answer, `accepted` where it was taken. */
  function sendAtOnce(connection: Connection, count: number, bytes: number): Promise<string[]> {
    const sender = connection.open_sender({ target: { address: 'events' } });
    const answers: string[] = [];
    return new Promise((resolve) => {
      const answered = (answer: string) => {
        if (answers.push(answer) === count) resolve(answers);
      };
      sender.on('accepted', () => answered('accepted'));
      sender.on('rejected', ({ delivery }: EventContext) => {
        const { error } = (delivery?.remote_state ?? {}) as { error?: { condition?: string } };
        answered(String(error?.condition));
      });
      sender.once('sendable', () => {
        for (let index = 0; index < count; index++) {
          sender.send({ message_id: `${connection.container_id}-${index}`, body: Buffer.alloc(bytes, 1) } as never);
        }
      });
    });
  }

  it('says so, keeps what it accepts and nothing else, and takes more when there is room', async () => {
    const connection = await connectRaw(broker);
    const answers = await sendAtOnce(connection, 100, 5000);
    expect(new Set(answers)).toEqual(new Set(['accepted', 'com.microsoft:server-busy']));
    const accepted = answers.filter((answer) => answer === 'accepted').length;
    expect(await countOf()).toBe(accepted);
    connection.close();
  });

  it('gets all that the official client sends in the end, since that waits and sends again', async () => {
    const before = (await countOf()) ?? 0;
    const client = new ServiceBusClient(broker.connectionString, {
      retryOptions: { maxRetries: 1000, retryDelayInMs: 5, maxRetryDelayInMs: 20 },
    });
    const senders = Array.from({ length: 4 }, () => client.createSender('events'));
    await Promise.all(
      Array.from({ length: 60 }, (_, index) =>
        senders[index % 4]?.sendMessages({ messageId: `sdk-${index}`, body: Buffer.alloc(5000) }),
      ),
    );
    expect(await countOf()).toBe(before + 60);
    await client.close();
  });

  it('lets go what a client has begun and does not end, when others send; the rest of the connection goes on', async () => {
    const stuck = await connectRaw(broker, { max_frame_size: 512 });
    const other = await connectRaw(broker);
    const half = stuck.open_sender({ target: { address: 'events' } });
    await new Promise((resolve) => half.once('sendable', resolve));
    const session = half.session as unknown as {
      output(frame: unknown, payload: Buffer): void;
      outgoing: { next_delivery_id: number; next_transfer_id: number };
    };
    const { default: frames } = (await import('rhea/lib/frames.js' as string)) as {
      default: { transfer(fields: object): unknown };
    };
    const handle = (half as unknown as { local: { attach: { handle: number } } }).local.attach.handle;
    const transfer = (more: boolean, bytes: number) =>
      session.output(
        frames.transfer({ handle, delivery_id: 0, delivery_tag: Buffer.from('t'), more }),
        Buffer.alloc(bytes),
      );
    const outcome = new Promise<string>((resolve) => {
      (stuck as unknown as { on_disposition(frame: { performative: { state: unknown } }): void }).on_disposition = ({
        performative,
      }) => resolve(JSON.stringify(performative.state));
    });
    transfer(true, 3 * BOUND);
    (stuck as unknown as { _process(): void })._process();
    // Its own frames are larger than the bound that is left, so that it is sent in pieces.
    expect(new Set(await sendInPieces(other, 3 * BOUND))).toEqual(new Set(['accepted']));
    transfer(false, 10);
    (stuck as unknown as { _process(): void })._process();
    expect(await outcome).toContain('server-busy');
    for (const connection of [stuck, other]) connection.close();
  });

  /** Sends one message in frames of 8 KiB. */
  function sendInPieces(connection: Connection, bytes: number): Promise<string[]> {
    (connection as unknown as { remote: { open: { max_frame_size: number } } }).remote.open.max_frame_size = 8192;
    return sendAtOnce(connection, 1, bytes);
  }

  it('answers requests to its management node', async () => {
    const { statusCode } = await requestManagement(broker, 'events/Subscriptions/audit', 'com.microsoft:peek-message', {
      'from-sequence-number': 1,
      'message-count': 1,
    });
    expect(statusCode).toBe(200);
  });
});
