import {
  attachReceiver,
  attachSender,
  begin,
  conditionOf,
  type FrameClient,
  flow,
  frames,
  messageOf,
  type Performative,
  transfer,
} from '../../../helpers/frame-client.js';
import { answered, errorOf, expected, type Hostile, known, staying, type Target, using } from './hostile.js';

const named = (client: FrameClient, name: string) =>
  answered(
    `the attach of ${name}`,
    client.await('attach', ({ performative }) => performative['name'] === name),
  );

/** In a session of its own, on channel 1. */
const inSession = (target: Target, run: (client: FrameClient) => Promise<string>): Promise<string> =>
  using(known(target), (client) => {
    client.send(begin(), 1);
    return run(client);
  });

/** Ten thousand links on one connection. */
export const tooManyLinks: Hostile = (target) =>
  inSession(target, async (client) => {
    for (let handle = 0; handle < 10_000; handle++) {
      client.send(target.random.chance(0.5) ? attachSender(handle, 'abused') : attachReceiver(handle, 'jail'), 1);
    }
    return expected('ten thousand links', await errorOf(client, 'detach'), 'amqp:resource-limit-exceeded');
  });

/** Receivers that never give credit, and requests whose answers nobody takes. */
export const noCredit: Hostile = (target) =>
  inSession(target, async (client) => {
    for (const [handle, address] of ['jail', 'events/ConsumerGroups/abuse/Partitions/0'].entries()) {
      client.send(attachReceiver(handle, address), 1);
    }
    client.send(attachSender(2, 'jail/$management'), 1);
    client.send(attachReceiver(3, 'jail/$management'), 1);
    await named(client, 'link-3');
    const { default: rhea } = await import('rhea');
    const application_properties = { operation: 'com.microsoft:peek-message' };
    const body = { 'from-sequence-number': 0, 'message-count': 100 };
    const request = rhea.message.encode({ message_id: 'x', application_properties, body } as never);
    for (let id = 0; id < 90; id++) client.send(transfer(2, id), 1, request as unknown as Buffer);
    await staying(target);
    return 'held';
  });

/** Takes messages under lock, and settles none. */
export const neverSettles: Hostile = (target) =>
  inSession(target, async (client) => {
    client.send(attachReceiver(0, 'jail', { rcv_settle_mode: 1, snd_settle_mode: 0 }), 1);
    client.send(flow({ handle: 0, delivery_count: 0, link_credit: 5 }), 1);
    await staying(target);
    return 'held';
  });

/** Asks for everything there is, and does not read it. */
export const slowReader: Hostile = (target) =>
  inSession(target, async (client) => {
    const partition = target.random.below(2);
    client.send(attachReceiver(0, `archive/ConsumerGroups/group${target.random.below(20)}/Partitions/${partition}`), 1);
    client.send(flow({ handle: 0, delivery_count: 0, link_credit: 1_000_000, incoming_window: 1_000_000 }), 1);
    client.socket.pause();
    await staying(target);
    return 'held';
  });

/** Waits for a session that nobody has, and holds transactions that it never ends. */
export const waitsForever: Hostile = (target) =>
  inSession(target, async (client) => {
    const filter = { 'com.microsoft:session-filter': null };
    for (let handle = 0; handle < 20; handle++) client.send(attachReceiver(handle, 'sessions', { filter }), 1);
    await staying(target);
    return 'held';
  });

const BODY = messageOf(Buffer.from('x'));
const BREACHES: readonly (readonly [string, readonly (readonly [Performative, Buffer?])[]])[] = [
  ['amqp:session:unattached-handle', [[transfer(9, 0), BODY]]],
  ['amqp:session:handle-in-use', [[attachSender(0, 'abused')], [attachSender(0, 'abused', { name: 'other' })]]],
  ['amqp:invalid-field', [[attachSender(0, 'abused')], [transfer(0, undefined), BODY]]],
  [
    'amqp:session:errant-link',
    [[attachSender(0, 'no-such-queue')], ...Array.from({ length: 2049 }, (_, id) => [transfer(0, id), BODY] as const)],
  ],
];

export const brokenSessions: Hostile = (target) =>
  inSession(target, async (client) => {
    const [condition, parts] = target.random.pick(BREACHES) as (typeof BREACHES)[number];
    for (const [performative, payload] of parts) client.send(performative, 1, payload);
    return expected('a broken session', await errorOf(client, 'end'), condition);
  });

export const ignoresCredit: Hostile = (target) =>
  inSession(target, async (client) => {
    client.send(attachSender(0, 'abused'), 1);
    await named(client, 'link-0');
    for (let id = 0; id < 2500; id++) client.send(transfer(0, id), 1, Buffer.from([0xff]));
    return expected('sending without credit', await errorOf(client, 'detach'), 'amqp:link:transfer-limit-exceeded');
  });

const NAMES = [
  'a b',
  '<script>',
  'abused\u0000',
  '../../etc/passwd',
  'abused/../jail',
  '%2e%2e',
  'ünïcode',
  '\u202eabused',
  'x'.repeat(5000),
  '/'.repeat(3000),
  'abused//jail',
  'a/Subscriptions/',
  '$cbs/x',
  '__proto__',
  'constructor/Subscriptions/toString',
  '\r\nlocation: x',
  '',
];

export const illegalNames: Hostile = (target) =>
  inSession(target, async (client) => {
    const name = target.random.pick(NAMES) as string;
    client.send(target.random.chance(0.5) ? attachSender(0, name) : attachReceiver(0, name), 1);
    return expected(
      `the name ${name.slice(0, 20)}`,
      await errorOf(client, 'detach'),
      'amqp:not-found',
      'amqp:not-allowed',
    );
  });

/** Ends half of its links while they are used, and the connection in the middle of a frame. */
export const leavesInTheMiddle: Hostile = (target) =>
  inSession(target, async (client) => {
    for (let handle = 0; handle < 8; handle++) client.send(attachReceiver(handle, 'jail'), 1);
    for (let handle = 0; handle < 8; handle++) {
      client.send(flow({ handle, delivery_count: 0, link_credit: 1 }), 1);
      if (target.random.chance(0.5)) client.send(frames.detach({ handle, closed: true }), 1);
    }
    await answered('an attach', client.await('attach'));
    client.write(Buffer.from([0, 0, 1, 0, 2, 0, 0, 1, 0x00]));
    return 'left';
  });

/** What an error of a link says of a thing that a link cannot be attached with. */
export async function refusedAttach(client: FrameClient, attach: Performative): Promise<string> {
  client.send(attach, 1);
  const detach = await answered('a refusal', client.await('detach'));
  return conditionOf(detach) ?? 'no condition';
}
