import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { createSessions } from '../../../src/messaging/azure/sessions.js';
import { createManualClock } from '../../helpers/manual-clock.js';

interface Client {
  readonly name: number;
  readonly connection: EventEmitter;
  closed: boolean;
}

function createRig() {
  const clock = createManualClock();
  const clients: Client[] = [];
  const sessions = createSessions<Client>({
    clock,
    open: async () => {
      const client = { name: clients.length, connection: new EventEmitter(), closed: false };
      clients.push(client);
      return client;
    },
    connectionOf: (client) => client.connection,
    close: async (client) => {
      client.closed = true;
    },
  });
  return { clock, clients, sessions };
}

const forever = new Promise<never>(() => {});

describe('a session', () => {
  it('is opened once for all work', async () => {
    const { clients, sessions } = createRig();
    const names = await Promise.all([1, 2, 3].map(() => sessions.run(async (client) => client.name)));
    expect(names).toEqual([0, 0, 0]);
    expect(clients).toHaveLength(1);
  });

  it.each(['disconnected', 'connection_close', 'connection_error'])(
    'ends with its connection (%s): what is in flight fails and is aborted, and the next work gets a new client',
    async (event) => {
      const { clients, sessions } = createRig();
      let signal: AbortSignal | undefined;
      let losses = 0;
      sessions.onLost(() => void losses++);
      const inFlight = sessions.run((_client, given) => {
        signal = given;
        return forever;
      });
      await sessions.run(async () => {});
      clients[0]?.connection.emit(event, { error: new Error('reset') });
      clients[0]?.connection.emit('disconnected');
      await expect(inFlight).rejects.toMatchObject({ code: 'PS_PUBLISH_UNAVAILABLE' });
      expect(signal?.aborted).toBe(true);
      expect(losses).toBe(1);
      expect(clients[0]?.closed).toBe(true);
      expect(await sessions.run(async (client) => client.name)).toBe(1);
    },
  );

  it('a broker that does not answer a probe in time is taken for lost, and the next work gets a new client', async () => {
    const { clock, clients, sessions } = createRig();
    let losses = 0;
    sessions.onLost(() => void losses++);
    const sending = sessions.run(() => forever);
    const probing = sessions.probe(1_000, () => forever);
    await sessions.run(async () => {});
    clock.advance(1_000);
    await expect(probing).rejects.toMatchObject({ code: 'PS_PUBLISH_TIMEOUT' });
    await expect(sending).rejects.toMatchObject({ code: 'PS_PUBLISH_TIMEOUT' });
    expect([losses, clients[0]?.closed]).toEqual([1, true]);
    expect(await sessions.probe(1_000, async (client) => client.name)).toBe(1);
    expect(clock.pending).toBe(0);
  });

  it('what fails by itself leaves the session as it is', async () => {
    const { clients, sessions } = createRig();
    await expect(sessions.run(() => Promise.reject(new Error('busy')))).rejects.toThrow('busy');
    await sessions.run(async () => {});
    expect(clients).toHaveLength(1);
  });

  it('closing fails what is in flight, once, and nothing runs afterwards', async () => {
    const { clients, sessions } = createRig();
    const inFlight = sessions.run(() => forever);
    await sessions.run(async () => {});
    await Promise.all([
      sessions.close(),
      sessions.close(),
      expect(inFlight).rejects.toMatchObject({ code: 'PS_PUBLISH_CLOSED' }),
    ]);
    expect(clients[0]?.closed).toBe(true);
    await expect(sessions.run(async () => {})).rejects.toMatchObject({ code: 'PS_PUBLISH_CLOSED' });
  });

  it('a client that cannot be made is tried again', async () => {
    let attempts = 0;
    const sessions = createSessions<number>({
      clock: createManualClock(),
      open: async () => {
        if (++attempts === 1) throw new Error('no credential');
        return attempts;
      },
      connectionOf: () => undefined,
      close: async () => {},
    });
    await expect(sessions.run(async (client) => client)).rejects.toThrow('no credential');
    expect(await sessions.run(async (client) => client)).toBe(2);
  });
});
