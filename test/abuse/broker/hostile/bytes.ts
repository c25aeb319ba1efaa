import {
  AMQP_HEADER,
  attachSender,
  begin,
  connectFrames,
  frames,
  type Performative,
  SASL_HEADER,
  transfer,
} from '../../../helpers/frame-client.js';
import { closed, errorOf, expected, type Hostile, known, stranger, type Target, using } from './hostile.js';

const raw = ({ port }: Target) => connectFrames(port);

/** A frame of these bytes. */
function frame(body: Buffer, channel = 0): Buffer {
  const head = Buffer.from([0, 0, 0, 0, 2, 0, 0, channel]);
  head.writeUInt32BE(body.length + 8, 0);
  return Buffer.concat([head, body]);
}

const noise = ({ random }: Target, bytes: number) =>
  Buffer.from(Array.from({ length: bytes }, () => random.below(256)));

/** Bytes that are no protocol at all. */
export const garbage: Hostile = (target) =>
  using(raw(target), (client) => {
    client.write(noise(target, 1 + target.random.below(4096)));
    return closed(client);
  });

/** Bytes after a protocol header that begin as AMQP. */
export const garbageAfterHeader: Hostile = (target) =>
  using(raw(target), (client) => {
    client.write(target.random.pick([AMQP_HEADER, SASL_HEADER]) as Buffer);
    client.write(Buffer.concat([Buffer.from([0, 0, 0, 32, 2, target.random.below(2), 0, 0]), noise(target, 24)]));
    return closed(client);
  });

/** What a performative cannot be: lists of billions, values without end, lengths that are wrong. */
const MALFORMED: readonly Buffer[] = [
  Buffer.from([0x00, 0x53, 0x11, 0xd0, 0, 0, 0, 5, 0xff, 0xff, 0xff, 0xff, 0x40]),
  Buffer.from([0x00, 0x53, 0x11, 0xf0, 0, 0, 0, 5, 0xff, 0xff, 0xff, 0xff, 0x40]),
  Buffer.from([0x00, 0x53, 0x11, 0xc0, 200, 1, 0x40]),
  Buffer.from([0x00, 0x53, 0x11, 0xa1, 3, 0x61, 0x62, 0x63]),
  Buffer.from([0x00, 0x53, 0x11, 0xc1, 2, 1, 0x40]),
  Buffer.alloc(2000),
  Buffer.from([0x40]),
  Buffer.from([0x00, 0x53, 0x11, 0xc0, 2, 1, 0x3f]),
];

export const malformedFrames: Hostile = (target) =>
  using(target.random.chance(0.5) ? known(target) : stranger(target), async (client) => {
    client.write(frame(target.random.pick(MALFORMED) as Buffer, target.random.below(3)));
    return expected('a malformed frame', await errorOf(client, 'close'), 'amqp:decode-error', 'amqp:invalid-field');
  });

export const unknownPerformatives: Hostile = (target) =>
  using(stranger(target), async (client) => {
    client.write(frame(Buffer.from([0x00, 0x53, 0x19 + target.random.below(0x60), 0x45])));
    return expected('an unknown performative', await errorOf(client, 'close'), 'amqp:decode-error');
  });

export const wrongOrder: Hostile = (target) =>
  using(known(target), async (client) => {
    const orders: readonly (() => void)[] = [
      () => client.send(frames.open({ container_id: 'again' })),
      () => client.send(transfer(0, 0), 7, Buffer.alloc(10)),
      () => {
        client.send(begin(), 1);
        client.send(begin(), 1);
      },
      () =>
        client.send(frames.begin({ remote_channel: 3, next_outgoing_id: 0, incoming_window: 1, outgoing_window: 1 })),
    ];
    (target.random.pick(orders) as () => void)();
    return expected('frames out of order', await errorOf(client, 'close'), 'amqp:not-allowed');
  });

export const oversizedFrames: Hostile = (target) =>
  using(target.random.chance(0.5) ? known(target) : stranger(target), async (client) => {
    const size = target.random.pick([0xffff_ffff, 0x7fff_ffff, 2 * 1024 * 1024]) as number;
    const head = Buffer.from([0, 0, 0, 0, 2, 0, 0, 0]);
    head.writeUInt32BE(size, 0);
    client.write(Buffer.concat([head, Buffer.alloc(1024)]));
    return expected('an oversized frame', await errorOf(client, 'close'), 'amqp:connection:framing-error');
  });

/** Sends one delivery without end: more of it than any message may have. */
export const endlessDelivery: Hostile = (target) =>
  using(known(target), async (client) => {
    client.send(begin(), 1);
    client.send(attachSender(0, 'abused'), 1);
    const chunk = Buffer.alloc(512 * 1024);
    let over = false;
    const answer = errorOf(client, 'detach').finally(() => {
      over = true;
    });
    for (let part = 0; part < 200 && !over; part++) {
      client.send(transfer(0, 0, { more: true }), 1, chunk);
      if (client.socket.writableLength > 4 * chunk.length) {
        await Promise.race([new Promise((resolve) => client.socket.once('drain', resolve)), client.gone]);
      }
    }
    return expected('an endless delivery', await answer, 'amqp:link:message-size-exceeded');
  });

const halves: readonly (readonly (Buffer | Performative)[])[] = [
  [],
  [Buffer.from('AM')],
  [Buffer.from([0x16, 0x03, 0x01])],
  [Buffer.from('GET / HTTP/1.1\r\nhost: localhost\r\nx: ')],
  [AMQP_HEADER],
  [SASL_HEADER],
  [SASL_HEADER, frames.sasl_init({ mechanism: 'ANONYMOUS' })],
];

/** Begins to speak, at one of the places where one can stop, and says nothing more. */
export const halfOpen: Hostile = (target) =>
  using(raw(target), (client) => {
    for (const part of target.random.pick(halves) as (typeof halves)[number]) {
      client.write(Buffer.isBuffer(part) ? part : frames.write_frame(frames.sasl_frame(part)));
    }
    return closed(client);
  });

/** Opens a connection, shows no token, and says nothing more. */
export const silentStranger: Hostile = (target) =>
  using(stranger(target), async (client) =>
    expected('a silent stranger', await errorOf(client, 'close'), 'amqp:connection:forced'),
  );

export const wrongPassword: Hostile = (target) =>
  using(raw(target), (client) => {
    const initial_response = Buffer.from(`\0RootManageSharedAccessKey\0${target.random.below(1e9)}`);
    const init = frames.sasl_init({ mechanism: 'PLAIN', initial_response });
    client.write(Buffer.concat([SASL_HEADER, frames.write_frame(frames.sasl_frame(init))]));
    return closed(client);
  });
