import { ServiceBusClient } from '@azure/service-bus';
import rhea, { type Connection, type Container, type Receiver, type Sender } from 'rhea';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestBroker, type TestBroker } from '../../helpers/broker.js';

let broker: TestBroker;
const containers: Connection[] = [];
beforeAll(async () => {
  broker = await startTestBroker();
});
afterAll(async () => {
  for (const connection of containers) connection.close();
  await broker.remove();
});

const username = 'RootManageSharedAccessKey';
const key = () => /SharedAccessKey=([^;]+)/.exec(broker.connectionString)?.[1] ?? '';

function client(options: Record<string, unknown> = {}): { container: Container; connection: Connection } {
  const container = rhea.create_container({ id: 'links' });
  container.on('connection_error', () => {});
  container.on('disconnected', () => {});
  const settings = { host: '127.0.0.1', port: broker.port, username, password: key(), reconnect: false, ...options };
  const connection = container.connect(settings);
  containers.push(connection);
  return { container, connection };
}

const conditionOf = (link: { error?: unknown } | undefined) =>
  String((link?.error as { condition?: string } | undefined)?.condition);

const opened = (link: Sender | Receiver, side: 'sender' | 'receiver') =>
  new Promise<string>((resolve) => {
    (link as Sender).once(`${side}_open` as 'sender_open', () => {
      if (link.source?.address || link.target?.address) resolve('open');
    });
    (link as Sender).once(`${side}_error` as 'sender_error', () => resolve(conditionOf(link)));
  });

async function serves(): Promise<void> {
  const other = new ServiceBusClient(broker.connectionString);
  await other.createSender('events').sendMessages({ body: 'still here' });
  await other.close();
}

describe('link addresses', () => {
  it.each([
    'events',
    'EVENTS',
    '/events/',
    'amqps://localhost/events',
    'amqp://127.0.0.1:5672/Events',
    'sb://Elsewhere.Example:5671/events/',
    'https://localhost/events',
  ])('name an entity as %s', async (address) => {
    const { connection } = client();
    expect(await opened(connection.open_sender({ target: { address } }), 'sender')).toBe('open');
    connection.close();
  });

  it.each([
    'clicks/ConsumerGroups/$Default/Partitions/0',
    'CLICKS/consumergroups/$default/PARTITIONS/0',
    'amqps://localhost/clicks/ConsumerGroups/$Default/Partitions/0',
    'sb://Elsewhere.Example/Clicks/ConsumerGroups/$DEFAULT/partitions/0/',
    'amqps://localhost:5671/events/subscriptions/AUDIT',
    'sb://elsewhere.example/Events/Subscriptions/audit/$DEADLETTERQUEUE',
  ])('name a partition or a subscription as %s', async (address) => {
    const { connection } = client();
    expect(await opened(connection.open_receiver({ source: { address } }), 'receiver')).toBe('open');
    connection.close();
  });

  it('that are empty or have empty parts name nothing', async () => {
    const { connection } = client();
    for (const address of ['', '//', 'events//Subscriptions/audit', 'amqps://localhost/']) {
      expect(await opened(connection.open_receiver({ source: { address } }), 'receiver')).toBe('amqp:not-found');
    }
    connection.close();
  });
});

describe('ten thousand links on one connection', () => {
  it('are refused one by one beyond the bound, and the others go on', async () => {
    const { connection } = client();
    const outcomes = new Map<string, number>();
    const count = (outcome: string) => outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    // Twenty sessions, so that rhea's own search for a free handle is not what is measured.
    const create = () =>
      (connection as unknown as { create_session(): ReturnType<Connection['create_session']> }).create_session();
    const asked: Promise<string>[] = [];
    for (let number = 0; number < 20; number++) {
      const session = create();
      session.begin();
      for (let link = 0; link < 500; link++) {
        const name = `link-${number}-${link}`;
        asked.push(opened(session.open_sender({ name, target: { address: 'events' } }), 'sender'));
      }
    }
    for (const outcome of await Promise.all(asked)) count(outcome);
    expect(Object.fromEntries(outcomes)).toEqual({ open: 5000, 'amqp:resource-limit-exceeded': 5000 });
    expect(connection.is_open()).toBe(true);
    await serves();
    connection.close();
  });
});

describe('a receiver', () => {
  const send = async (ids: readonly string[]) => {
    const other = new ServiceBusClient(broker.connectionString);
    for (const messageId of ids) await other.createSender('events').sendMessages({ messageId, body: 'x' });
    await other.close();
  };
  const options = { source: { address: 'events/Subscriptions/audit' }, credit_window: 0, autoaccept: false };

  it('that never grants credit, or grants and never settles, keeps nothing from the others', async () => {
    const greedy = client().connection;
    const silent = client().connection;
    const held = greedy.open_receiver(options);
    const waiting = silent.open_receiver(options);
    expect([await opened(held, 'receiver'), await opened(waiting, 'receiver')]).toEqual(['open', 'open']);
    const got: string[] = [];
    const first = new Promise<void>((resolve) =>
      held.on('message', ({ message }) => {
        got.push(String(message?.message_id));
        resolve();
      }),
    );
    held.add_credit(1);
    await send(['kept']);
    await first;
    await send(['free']);
    const other = new ServiceBusClient(broker.connectionString);
    const receiver = other.createReceiver('events', 'audit');
    const ids: unknown[] = [];
    while (!ids.includes('free')) {
      for (const message of await receiver.receiveMessages(10, { maxWaitTimeInMs: 5000 })) {
        ids.push(message.messageId);
        await receiver.completeMessage(message);
      }
    }
    expect(ids).not.toContain(got[0]);
    await other.close();
    for (const connection of [greedy, silent]) connection.close();
  });
});

describe('a sender', () => {
  type Raw = { _write_frame(channel: number, frame: unknown, payload?: Buffer): void };
  const raw = (connection: Connection) => connection as unknown as Raw;
  const message = (body: string): Buffer => rhea.message.encode({ body, message_id: body } as never);

  it('of messages in many frames, settled or not, is answered for each that it did not settle', async () => {
    const { connection } = client({ max_frame_size: 512 });
    const sender = connection.open_sender({ target: { address: 'events' }, snd_settle_mode: 2 });
    await new Promise((resolve) => sender.once('sendable', resolve));
    const answers: string[] = [];
    const done = new Promise<void>((resolve) =>
      sender.on('accepted', () => {
        answers.push('accepted');
        if (answers.length === 2) resolve();
      }),
    );
    const big = 'x'.repeat(5000);
    sender.send({ body: big, message_id: 'unsettled' });
    const settled = sender.send({ body: big, message_id: 'settled' });
    (settled as { settled: boolean }).settled = true;
    sender.send({ body: big, message_id: 'last' });
    await done;
    expect(answers).toEqual(['accepted', 'accepted']);
    connection.close();
    const other = new ServiceBusClient(broker.connectionString);
    const receiver = other.createReceiver('events', 'all', { receiveMode: 'receiveAndDelete' });
    const ids = new Set<unknown>();
    while (!(ids.has('unsettled') && ids.has('settled') && ids.has('last'))) {
      for (const one of await receiver.receiveMessages(3, { maxWaitTimeInMs: 1000 })) ids.add(one.messageId);
    }
    await other.close();
  });

  it('that aborts a delivery may send the next one, and nothing of the aborted one stays', async () => {
    const { connection } = client();
    const sender = connection.open_sender({ target: { address: 'events' } });
    await new Promise((resolve) => sender.once('sendable', resolve));
    const { local, session } = sender as unknown as {
      local: { handle: number };
      session: {
        local: { channel: number };
        outgoing: { next_delivery_id: number; next_pending_delivery: number; next_transfer_id: number };
      };
    };
    const transfer = (fields: object) =>
      Object.assign(Object.create(null), {
        type: undefined,
        described: () => rhea.types.wrap_described(transferList(fields), 0x14),
      });
    const transferList = (fields: object) => {
      const { id, more, aborted } = fields as { id: number; more: boolean; aborted: boolean };
      return [
        rhea.types.wrap_uint(local.handle),
        rhea.types.wrap_uint(id),
        Buffer.from(`tag-${id}`),
        rhea.types.wrap_uint(0),
        false,
        more,
        null,
        null,
        false,
        aborted,
      ];
    };
    const { channel } = session.local;
    raw(connection)._write_frame(
      channel,
      transfer({ id: 0, more: true, aborted: false }),
      message('aborted').subarray(0, 5),
    );
    raw(connection)._write_frame(channel, transfer({ id: 0, more: false, aborted: true }), Buffer.from('ignored'));
    session.outgoing.next_delivery_id = 1;
    session.outgoing.next_pending_delivery = 1;
    session.outgoing.next_transfer_id = 2;
    const accepted = new Promise((resolve) => sender.once('accepted', resolve));
    sender.send({ body: 'after', message_id: 'after the aborted one' });
    await accepted;
    connection.close();
    await serves();
  });

  it('that ignores its credit loses that link, and no other', async () => {
    const { connection } = client();
    // A node gives credit for each request that it has answered, which it does after it has read what came together.
    const sender = connection.open_sender({ target: { address: '$cbs' } });
    const other = connection.open_sender({ target: { address: 'events' } });
    await new Promise((resolve) => other.once('sendable', resolve));
    const closed = new Promise<string>((resolve) => sender.once('sender_error', () => resolve(conditionOf(sender))));
    (sender as unknown as { credit: number }).credit = 1_000_000;
    for (let index = 0; index < 600; index++) sender.send({ body: 'x' });
    expect(await closed).toBe('amqp:link:transfer-limit-exceeded');
    const accepted = new Promise((resolve) => other.once('accepted', resolve));
    other.send({ body: 'x', message_id: 'other link' });
    await accepted;
    connection.close();
  });
});

describe('thousands of links over hundreds of connections', () => {
  it('are served', async () => {
    const connections = Array.from({ length: 200 }, () => client().connection);
    const links = connections.flatMap((connection) =>
      Array.from({ length: 10 }, () => opened(connection.open_sender({ target: { address: 'events' } }), 'sender')),
    );
    expect(new Set(await Promise.all(links))).toEqual(new Set(['open']));
    await serves();
    for (const connection of connections) connection.close();
  });
});
