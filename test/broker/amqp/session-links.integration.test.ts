import rhea, { type Connection, type Receiver, type Sender, type Session } from 'rhea';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { QueueDefinition } from '../../../src/broker/topology/index.js';
import { queueSettings, startTestBroker, type TestBroker } from '../../helpers/broker.js';

const FILTER = 'com.microsoft:session-filter';
const queue = (name: string, requiresSession: boolean): QueueDefinition => ({
  name,
  ...queueSettings,
  requiresDuplicateDetection: false,
  duplicateDetectionHistoryTimeWindowMs: 60_000,
  requiresSession,
});

interface Answer {
  readonly statusCode: number;
  readonly errorCondition?: string;
  readonly body: Record<string, unknown> | undefined;
}

/** What is not reached through the official client, on the wire. */
describe('sessions on the wire', () => {
  let broker: TestBroker;
  let connection: Connection;
  beforeAll(async () => {
    const names = ['baskets', 'listed', 'stated', 'waited'];
    const queues = [...names.map((name) => queue(name, true)), queue('plain', false)];
    broker = await startTestBroker({ queues, topics: [], hubs: [] });
  });
  afterAll(() => broker.remove());
  beforeEach(() => {
    connection = connect();
  });
  afterEach(() => void connection.close());

  function connect(): Connection {
    const username = 'RootManageSharedAccessKey';
    const password = /SharedAccessKey=([^;]+)/.exec(broker.connectionString)?.[1] ?? '';
    const container = rhea.create_container();
    container.on('receiver_error', () => {});
    return container.connect({ host: '127.0.0.1', port: broker.port, username, password, reconnect: false });
  }

  const once = <T = rhea.EventContext>(
    emitter: { once(name: string, listener: (event: T) => void): unknown },
    name: string,
  ) =>
    new Promise<T>((resolve) => {
      emitter.once(name, resolve);
    });

  /** A receiver in a session of its own, as the official clients have it. */
  function receiver(address: string, filter: unknown, properties: Record<string, unknown> = {}): Receiver {
    const session = (connection as unknown as { create_session(): Session }).create_session();
    session.begin();
    const source = { address, filter: { [FILTER]: filter } as never };
    return session.open_receiver({ source, properties, credit_window: 0, autoaccept: false });
  }

  async function send(address: string, ...sessionIds: string[]): Promise<void> {
    const sender: Sender = connection.open_sender(address);
    await once(sender, 'sendable');
    for (const group_id of sessionIds) {
      const accepted = once(sender, 'accepted');
      sender.send({ body: 'x', group_id });
      await accepted;
    }
    sender.close();
  }

  /** Sends requests to a management node. */
  async function management(entity: string) {
    const address = `${entity}/$management`;
    const replies = connection.open_receiver({ source: { address }, target: { address: `replies of ${entity}` } });
    const requests = connection.open_sender(address);
    await once(requests, 'sendable');
    return async (operation: string, body: Record<string, unknown>): Promise<Answer> => {
      const reply = once(replies, 'message');
      requests.send({
        message_id: operation,
        reply_to: `replies of ${entity}`,
        application_properties: { operation: `com.microsoft:${operation}` },
        body: body as never,
      });
      const { message } = await reply;
      const { statusCode, errorCondition } = (message as rhea.Message).application_properties as {
        statusCode: number;
        errorCondition?: string;
      };
      return { statusCode, ...(errorCondition && { errorCondition }), body: (message as rhea.Message).body };
    };
  }

  const ticksOf = (link: Receiver) => link.properties?.['com.microsoft:locked-until-utc'] as Buffer;

  it('answers an attach with the session in the filter and the end of its lock in ticks', async () => {
    const link = receiver('baskets', 'a');
    await once(link, 'receiver_open');
    expect((link.source.filter as unknown as Record<string, unknown>)[FILTER]).toBe('a');
    const untilMs = Number((ticksOf(link).readBigInt64BE() - 621_355_968_000_000_000n) / 10_000n);
    expect(untilMs).toBeGreaterThan(Date.now());
    expect(untilMs).toBeLessThanOrEqual(Date.now() + queueSettings.lockDurationMs);
  });

  it('understands a described filter, and a full URL', async () => {
    const described = rhea.types.wrap_described('b', 0x137000000c);
    const link = receiver(`amqps://127.0.0.1/BASKETS`, described);
    await once(link, 'receiver_open');
    expect((link.source.filter as unknown as Record<string, unknown>)[FILTER]).toBe('b');
  });

  it('answers an attach that nobody waits for any more, and its detach', async () => {
    const link = receiver('waited', null, { 'com.microsoft:timeout': 60_000 });
    link.close();
    await once(link, 'receiver_close');
    expect(link.source.address).toBeUndefined();
    await send('waited', 'late');
    const next = receiver('waited', null, { 'com.microsoft:timeout': 60_000 });
    await once(next, 'receiver_open');
    expect((next.source.filter as unknown as Record<string, unknown>)[FILTER]).toBe('late');
  });

  it('says in so many words when the wait is over, and that a session is locked', async () => {
    const waiting = receiver('stated', null, { 'com.microsoft:timeout': 50 });
    await once(waiting, 'receiver_close');
    expect(waiting.error).toMatchObject({ condition: 'com.microsoft:timeout' });
    const holder = receiver('stated', 'x');
    await once(holder, 'receiver_open');
    const second = receiver('stated', 'x');
    await once(second, 'receiver_close');
    expect(second.error).toMatchObject({
      condition: 'com.microsoft:session-cannot-be-locked',
      description: "The requested session 'x' cannot be accepted. It may be locked by another receiver.",
    });
    const tooLong = receiver('stated', 'x'.repeat(129));
    await once(tooLong, 'receiver_close');
    expect(tooLong.error).toMatchObject({ condition: 'com.microsoft:argument-error' });
  });

  it('lists the sessions that have messages or a state, in pages, by the time of their last change', async () => {
    await send('listed', 'one', 'two', 'one', 'three');
    const ask = await management('listed');
    const holder = receiver('listed', 'stated');
    await once(holder, 'receiver_open');
    expect(await ask('set-session-state', { 'session-id': 'stated', 'session-state': Buffer.from('s') })).toMatchObject(
      {
        statusCode: 200,
      },
    );
    const list = (since: Date, skip = 0, top = 10) =>
      ask('get-message-sessions', {
        'last-updated-time': since,
        skip: rhea.types.wrap_int(skip),
        top: rhea.types.wrap_int(top),
      });
    expect((await list(new Date(0))).body).toEqual({ skip: 4, 'sessions-ids': ['one', 'two', 'three', 'stated'] });
    expect((await list(new Date(0), 1, 2)).body).toEqual({ skip: 3, 'sessions-ids': ['two', 'three'] });
    expect(await list(new Date(Date.now() + 60_000))).toMatchObject({ statusCode: 204 });
    // What .NET sends when it asks for the sessions with messages alone.
    expect((await list(new Date(Date.UTC(9999, 11, 31, 23, 59, 59)))).body).toEqual({
      skip: 3,
      'sessions-ids': ['one', 'two', 'three'],
    });
  });

  it('renews, and keeps states, for the connection that holds the session alone', async () => {
    const link = receiver('baskets', 'c');
    await once(link, 'receiver_open');
    const ask = await management('baskets');
    const renewed = await ask('renew-session-lock', { 'session-id': 'c' });
    expect(Number(renewed.body?.['expiration'])).toBeGreaterThan(Date.now());
    expect((await ask('get-session-state', { 'session-id': 'c' })).body).toEqual({ 'session-state': null });
    await ask('set-session-state', { 'session-id': 'c', 'session-state': Buffer.from([1, 2]) });
    expect((await ask('get-session-state', { 'session-id': 'c' })).body).toEqual({
      'session-state': Buffer.from([1, 2]),
    });
    expect(await ask('set-session-state', { 'session-id': 'c', 'session-state': 7 })).toMatchObject({
      statusCode: 400,
    });
    await ask('set-session-state', { 'session-id': 'c', 'session-state': null });
    expect((await ask('get-session-state', { 'session-id': 'c' })).body).toEqual({ 'session-state': null });

    const lost = { statusCode: 410, errorCondition: 'com.microsoft:session-lock-lost' };
    expect(await ask('renew-session-lock', { 'session-id': 'nobody' })).toMatchObject(lost);
    expect(await ask('renew-session-lock', {})).toMatchObject({ statusCode: 400 });
    expect(await ask('renew-lock', { 'lock-tokens': [] })).toMatchObject({ statusCode: 400 });
    const first = connection;
    connection = connect();
    const stranger = await management('baskets');
    expect(await stranger('renew-session-lock', { 'session-id': 'c' })).toMatchObject(lost);
    expect(await stranger('get-session-state', { 'session-id': 'c' })).toMatchObject(lost);
    first.close();
    const plain = await management('plain');
    expect(await plain('get-session-state', { 'session-id': 'c' })).toMatchObject({ statusCode: 400 });
  });
});
