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

const BODY = messageOf(Buffer.from('x'));
const CHANNEL = 1;
const SESSION = 'com.microsoft:session-filter';

let broker: TestBroker;
beforeAll(async () => {
  const queues = [queue('orders'), queue('sessions', { requiresSession: true })];
  broker = await startTestBroker({ queues, topics: [], hubs: [] });
});
afterAll(() => broker.remove());

let client: FrameClient;
beforeEach(async () => {
  client = await openFrames(broker.port, keyOf(broker.connectionString));
  client.send(begin(), CHANNEL);
  return () => client.destroy();
});

const send = (...performatives: Parameters<FrameClient['send']>[0][]) => {
  // In one packet, so that the broker reads them in one turn.
  client.socket.cork();
  for (const one of performatives) client.send(one, CHANNEL);
  client.socket.uncork();
};
const detach = (handle: number) => frames.detach({ handle, closed: true });

const kinds = () => client.received.map(({ kind }) => kind).filter((kind) => kind === 'attach' || kind === 'detach');
/** Waits for the n-th answer to an attach; resolves with the handle that the broker gave its end. */
async function attached(count: number): Promise<number> {
  const nth = await client.await('attach', (frame) => {
    const all = client.received.filter(({ kind }) => kind === 'attach');
    return all.indexOf(frame) === count - 1;
  });
  return Number(nth?.performative['handle']);
}
const credit = (handle: number) => flow({ handle, delivery_count: 0, link_credit: 1 });

describe('a link that is detached and attached again under its name in one packet', () => {
  it.each([
    ['with the same handle', 0],
    ['with another handle', 5],
  ])('is answered with a detach and an attach, and sends (%s)', async (_what, handle) => {
    send(attachSender(0, 'orders'));
    await attached(1);
    send(detach(0), attachSender(handle, 'orders', { name: 'link-0' }));
    await attached(2);
    expect(kinds()).toEqual(['attach', 'detach', 'attach']);
    client.send(transfer(handle, 0), CHANNEL, BODY);
    const settled = await client.await('disposition', ({ performative }) => performative['first'] === 0);
    expect(settled?.performative['settled']).toBe(true);
  });

  it('receives with the credit that came along, and with none of before', async () => {
    send(attachReceiver(0, 'orders'));
    await attached(1);
    const [, ...rest] = await drain();
    expect(rest).toEqual([]);
  });

  it('is taken by the next holder of a session, which it gave back with its detach', async () => {
    const wanted = { name: 'mine', filter: { [SESSION]: 'a' } };
    send(attachReceiver(0, 'sessions', wanted));
    await attached(1);
    send(detach(0), attachReceiver(0, 'sessions', wanted));
    await attached(2);
    expect(kinds()).toEqual(['attach', 'detach', 'attach']);
    client.send(detach(0), CHANNEL);
    const last = await client.await('detach', (frame) => client.received.filter(isDetach).indexOf(frame) === 1);
    expect(last && conditionOf(last)).toBeUndefined();
  });

  it('is answered each time, as often as it is done in one packet, also where it waits for a session', async () => {
    const any = attachReceiver(0, 'sessions', { name: 'any', filter: { [SESSION]: null } });
    send(any, detach(0), any, detach(0), any, detach(0));
    await client.await('detach', (frame) => client.received.filter(isDetach).indexOf(frame) === 2);
    expect(kinds()).toEqual(['attach', 'detach', 'attach', 'detach', 'attach', 'detach']);
  });
});

const isDetach = ({ kind }: Received) => kind === 'detach';

/** Sends two messages to the queue, and receives them by a link that is attached anew between them. */
async function drain(): Promise<readonly Received[]> {
  send(attachSender(9, 'orders'));
  await attached(2);
  for (const id of [0, 1]) client.send(transfer(9, id), CHANNEL, BODY);
  const covers = ({ performative }: Received) => Number(performative['last'] ?? performative['first']) >= 1;
  await client.await('disposition', covers);
  // The credit of the first link ends with it.
  send(flow({ handle: 0, delivery_count: 0, link_credit: 0 }), detach(0), attachReceiver(0, 'orders'), credit(0));
  const handle = await attached(3);
  await client.await('transfer', ({ performative }) => performative['handle'] === handle);
  // Whatever would come without credit has come before this answer.
  send(detach(0));
  await client.await('detach', (frame) => client.received.filter(isDetach).indexOf(frame) === 1);
  return client.received.filter(({ kind }) => kind === 'transfer');
}
