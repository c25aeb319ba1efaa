import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { queue, startTestBroker, type TestBroker } from '../../helpers/broker.js';
import {
  attachReceiver,
  attachSender,
  begin,
  conditionOf,
  type FrameClient,
  flow,
  frames,
  keyOf,
  messageOf,
  openFrames,
  type Received,
  transfer,
} from '../../helpers/frame-client.js';

const WINDOW = 2048;
const BODY = messageOf(Buffer.from('x'));
/** Channels of the session that breaks the protocol, and of one that does not. */
const BROKEN = 1;
const SOUND = 2;

let broker: TestBroker;
beforeAll(async () => {
  broker = await startTestBroker({ queues: [queue('orders'), queue('jobs')], topics: [], hubs: [] });
});
afterAll(() => broker.remove());

let client: FrameClient;
let deliveryId = 0;
beforeEach(async () => {
  client = await openFrames(broker.port, keyOf(broker.connectionString));
  deliveryId = 0;
  for (const channel of [BROKEN, SOUND]) client.send(begin(), channel);
  client.send(attachSender(0, 'jobs'), SOUND);
  await client.await('flow', ({ performative }) => performative['link_credit'] !== undefined);
  return () => client.destroy();
});

const send = (performative: Parameters<FrameClient['send']>[0], payload?: Buffer) =>
  client.send(performative, BROKEN, payload);

/** Sends a message in the session that breaks nothing, and waits until it is settled. */
async function sendInSound(): Promise<boolean> {
  const id = deliveryId++;
  client.send(transfer(0, id), SOUND, BODY);
  const covers = ({ performative }: Received) =>
    Number(performative['first']) <= id && Number(performative['last'] ?? performative['first']) >= id;
  return (await client.await('disposition', covers)) !== undefined;
}

const ended = async (): Promise<string | undefined> => {
  const end = await client.await('end');
  return end && conditionOf(end);
};

const faults: readonly [string, string, () => void][] = [
  ['names a link that was never attached', 'amqp:session:unattached-handle', () => send(transfer(7, 0), BODY)],
  [
    'gives credit to a link that was never attached',
    'amqp:session:unattached-handle',
    () => send(flow({ handle: 9, delivery_count: 0, link_credit: 1 })),
  ],
  [
    'attaches two links under one handle',
    'amqp:session:handle-in-use',
    () => {
      send(attachSender(0, 'orders'));
      send(attachSender(0, 'orders', { name: 'another' }));
    },
  ],
  [
    'attaches a link twice',
    'amqp:not-allowed',
    () => {
      send(attachSender(0, 'orders', { name: 'same' }));
      send(attachSender(1, 'orders', { name: 'same' }));
    },
  ],
  [
    'sends more than the window of the session',
    'amqp:session:window-violation',
    () => {
      // Each link has credit for much more, and no delivery is ever whole.
      for (let handle = 0; handle <= WINDOW; handle++) send(attachSender(handle, 'orders'));
      for (let handle = 0; handle <= WINDOW; handle++) send(transfer(handle, handle, { more: true }), BODY);
    },
  ],
  [
    'does not stop sending on a link that was closed with an error',
    'amqp:session:errant-link',
    () => {
      send(attachSender(0, 'no-such-queue'));
      for (let id = 0; id <= WINDOW; id++) send(transfer(0, id), BODY);
    },
  ],
  [
    'sends on a link on which it receives',
    'amqp:not-allowed',
    () => {
      send(attachReceiver(0, 'orders'));
      send(transfer(0, 0), BODY);
    },
  ],
  [
    'leaves out the number of a delivery',
    'amqp:invalid-field',
    () => {
      send(attachSender(0, 'orders'));
      send(transfer(0, undefined), BODY);
    },
  ],
  [
    'skips numbers of deliveries',
    'amqp:invalid-field',
    () => {
      send(attachSender(0, 'orders'));
      send(transfer(0, 0), BODY);
      send(transfer(0, 5), BODY);
    },
  ],
  [
    'settles more deliveries than there can be',
    'amqp:not-allowed',
    () => send(frames.disposition({ role: true, first: 0, last: 4_000_000_000 })),
  ],
];

describe('a client that breaks the protocol in one of its sessions', () => {
  it.each(faults)('and %s loses that session, by %s, and no other', async (_what, condition, breach) => {
    breach();
    expect(await ended()).toBe(condition);
    expect(await sendInSound()).toBe(true);

    // Whatever else it sends there is not looked at until it ends the session as well; then the channel is free again.
    send(transfer(4000, 77), BODY);
    send(frames.end({}));
    send(begin());
    send(attachReceiver(3, 'jobs'));
    const attached = await client.await('attach', ({ performative }) => performative['name'] === 'link-3');
    expect(attached).toBeDefined();
    expect(client.received.filter(({ kind }) => kind === 'end')).toHaveLength(1);
    expect(await sendInSound()).toBe(true);
  });

  it('hears nothing more of the links of that session', async () => {
    send(attachSender(0, 'orders'));
    await client.await('attach', ({ performative }) => performative['name'] === 'link-0');
    for (let id = 0; id < 20; id++) send(transfer(0, id), BODY);
    send(transfer(9, 20), BODY);
    expect(await ended()).toBe('amqp:session:unattached-handle');
    const at = client.received.findIndex(({ kind }) => kind === 'end');
    const { channel } = client.received[at] as Received;
    for (let count = 0; count < 3; count++) expect(await sendInSound()).toBe(true);
    expect(client.received.slice(at + 1).filter((frame) => frame.channel === channel)).toEqual([]);
  });
});

describe('a client that breaks the rules of one link', () => {
  it('by sending without credit has that link closed, and its session goes on', async () => {
    send(attachSender(0, 'orders'));
    send(attachSender(1, 'orders'));
    // The credit that a sender says it has is not the credit that it was given.
    send(flow({ handle: 0, delivery_count: 0, link_credit: 1_000_000, drain: true }));
    await client.await('flow', ({ performative }) => performative['link_credit'] !== undefined);
    // In one piece: between two the broker may give more credit.
    client.socket.cork();
    for (let id = 0; id < 1500; id++) send(transfer(0, id), Buffer.alloc(0));
    client.socket.uncork();
    const detach = await client.await('detach');
    expect(detach && conditionOf(detach)).toBe('amqp:link:transfer-limit-exceeded');
    send(frames.detach({ handle: 0, closed: true }));
    send(transfer(1, 1500), BODY);
    const settled = ({ performative }: Received) =>
      Number(performative['first']) <= 1500 && Number(performative['last'] ?? performative['first']) >= 1500;
    expect(await client.await('disposition', settled)).toBeDefined();
    expect(client.received.some(({ kind }) => kind === 'end' || kind === 'close')).toBe(false);
  });

  it('by sending a delivery of no bytes at all has that refused, and the link goes on', async () => {
    send(attachSender(0, 'orders'));
    await client.await('attach', ({ performative }) => performative['name'] === 'link-0');
    send(transfer(0, 0));
    send(transfer(0, 1), BODY);
    const settled = await client.await('disposition', ({ performative }) => Number(performative['first']) === 0);
    expect(JSON.stringify(settled?.performative['state'])).toContain('amqp:decode-error');
    expect(await client.await('disposition', ({ performative }) => Number(performative['first']) === 1)).toBeDefined();
    expect(client.received.some(({ kind }) => kind === 'detach' || kind === 'close')).toBe(false);
  });

  it('may use the name of a link that sends for one that receives, in one session', async () => {
    send(attachSender(0, 'orders', { name: 'twin' }));
    send(attachReceiver(1, 'orders', { name: 'twin' }));
    const attached = (role: boolean) =>
      client.await('attach', ({ performative }) => performative['name'] === 'twin' && performative['role'] === role);
    expect(await attached(true)).toBeDefined();
    expect(await attached(false)).toBeDefined();
  });
});
