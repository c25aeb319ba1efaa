import type { Connection, Sender } from 'rhea';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectRaw } from '../../helpers/amqp-client.js';
import { startTestBroker, type TestBroker } from '../../helpers/broker.js';

const MIB = 1024 * 1024;

/** What is used of rhea to send a frame that is not the last of its delivery. */
interface Inside {
  readonly session: {
    output(frame: unknown, payload: Buffer): void;
    outgoing: { next_delivery_id: number; next_pending_delivery: number };
  };
  readonly local: { readonly attach: { readonly handle: number } };
}

describe('a client that stops in the middle of a delivery', () => {
  let broker: TestBroker;
  let connection: Connection;
  beforeAll(async () => {
    broker = await startTestBroker();
    connection = await connectRaw(broker);
    (connection as unknown as { remote: { open: { max_frame_size: number } } }).remote.open.max_frame_size = 64 * 1024;
  });
  afterAll(async () => {
    connection.close();
    await broker.remove();
  });

  async function open(name: string): Promise<Sender> {
    const sender = connection.open_sender({ name, target: { address: 'clicks/Partitions/1' } });
    await new Promise((resolve) => sender.once('sendable', resolve));
    return sender;
  }

  async function sendHalf(sender: Sender, bytes: number): Promise<void> {
    const { default: frames } = (await import('rhea/lib/frames.js' as string)) as {
      default: { transfer(fields: object): unknown };
    };
    const { session, local } = sender as unknown as Inside;
    const fields = { handle: local.attach.handle, delivery_id: session.outgoing.next_delivery_id++, more: true };
    session.outgoing.next_pending_delivery++;
    session.output(frames.transfer({ ...fields, delivery_tag: Buffer.from('half') }), Buffer.alloc(bytes));
  }

  const send = (sender: Sender, body: Buffer): Promise<string> =>
    new Promise((resolve) => {
      sender.once('accepted', () => resolve('accepted'));
      sender.once('rejected', () => resolve('rejected'));
      sender.send({ body } as never);
    });

  it('and closes its link may attach it again under the same name and send whole ones, any number of times', async () => {
    // Together they are more than a connection may keep of deliveries that are not complete.
    for (let round = 0; round < 24; round++) {
      const sender = await open('same');
      await sendHalf(sender, MIB - 100);
      const closed = new Promise((resolve) => sender.once('sender_close', resolve));
      sender.close();
      await closed;
    }
    const again = await open('same');
    expect(await send(again, Buffer.alloc(900 * 1024, 1))).toBe('accepted');
    again.close();
    expect(connection.is_open()).toBe(true);
  });

  it('and ends its session loses what it began, and nothing else', async () => {
    for (let round = 0; round < 20; round++) {
      const session = connection.create_session();
      session.open();
      const sender = session.open_sender({ name: 'half', target: { address: 'clicks/Partitions/1' } });
      await new Promise((resolve) => sender.once('sendable', resolve));
      await sendHalf(sender, MIB - 100);
      const closed = new Promise((resolve) => session.once('session_close', resolve));
      session.close();
      await closed;
    }
    expect(await send(await open('whole'), Buffer.alloc(900 * 1024, 1))).toBe('accepted');
  });

  it('has one link of a name in a session, and the other clients theirs', async () => {
    const other = await connectRaw(broker);
    const senders = [await open('twin'), other.open_sender({ name: 'twin', target: { address: 'clicks' } })];
    await new Promise((resolve) => senders[1]?.once('sendable', resolve));
    for (const sender of senders) expect(await send(sender as Sender, Buffer.from('x'))).toBe('accepted');
    other.close();
  });
});
