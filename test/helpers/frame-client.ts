import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/*
 * A client that speaks AMQP frame by frame, and does what no library would: what it sends is up to the test.
 */

type Fields = Readonly<Record<string, unknown>>;
/** A performative as rhea writes it. */
export type Performative = Readonly<Record<string, unknown>> & {
  readonly constructor: { readonly descriptor?: { readonly numeric: number } };
};

type Maker = (fields: Fields) => Performative;
interface RheaFrames {
  readonly open: Maker;
  readonly begin: Maker;
  readonly attach: Maker;
  readonly flow: Maker;
  readonly transfer: Maker;
  readonly disposition: Maker;
  readonly detach: Maker;
  readonly end: Maker;
  readonly close: Maker;
  readonly sasl_init: Maker;
  amqp_frame(channel: number, performative?: Performative, payload?: Buffer): object;
  sasl_frame(performative: Performative): object;
  write_frame(frame: object): Buffer;
  read_frame(bytes: Buffer): { channel: number; performative?: Performative; payload?: Buffer } | null;
}

export const { default: frames } = (await import('rhea/lib/frames.js' as string)) as { default: RheaFrames };
const { default: terminus } = (await import('rhea/lib/terminus.js' as string)) as {
  default: Record<'source' | 'target', (fields: Fields) => { described(): unknown }>;
};

export const AMQP_HEADER = Buffer.from('AMQP\x00\x01\x00\x00', 'latin1');
export const SASL_HEADER = Buffer.from('AMQP\x03\x01\x00\x00', 'latin1');

export interface Received {
  /** Its performative: `open`, `attach`, `end` and so on. */
  readonly kind: string;
  readonly channel: number;
  readonly performative: Performative;
  /** Of a transfer. */
  readonly payload?: Buffer | undefined;
}

/** The condition of the error that an `end`, `detach` or `close` carries. */
export const conditionOf = ({ performative }: Received): string | undefined =>
  (performative['error'] as { condition?: string } | undefined)?.condition;

export interface FrameClient {
  readonly socket: Socket;
  /** What has come, oldest first. */
  readonly received: readonly Received[];
  write(bytes: Buffer): void;
  send(performative: Performative | undefined, channel?: number, payload?: Buffer): void;
  /** Waits for the first that fits, of those that have come and those to come; undefined when the connection ends before. */
  await(kind: string, fits?: (frame: Received) => boolean): Promise<Received | undefined>;
  /** Resolves when the connection is gone. */
  readonly gone: Promise<void>;
  destroy(): void;
}

/** How many received frames are kept for those who ask later. */
const KEPT = 20_000;

const KINDS: Readonly<Record<number, string>> = {
  16: 'open',
  17: 'begin',
  18: 'attach',
  19: 'flow',
  20: 'transfer',
  21: 'disposition',
  22: 'detach',
  23: 'end',
  24: 'close',
  64: 'sasl_mechanisms',
  68: 'sasl_outcome',
};

const kindOf = (performative: Performative): string =>
  KINDS[performative.constructor.descriptor?.numeric ?? -1] ?? 'unknown';

/** Takes whole frames, and protocol headers, from what arrives. */
function createReader(onFrame: (bytes: Buffer) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (;;) {
      if (rest.length < 8) return;
      const isHeader = rest.toString('latin1', 0, 4) === 'AMQP';
      const size = isHeader ? 8 : rest.readUInt32BE(0);
      if (rest.length < size) return;
      if (!isHeader) onFrame(rest.subarray(0, size));
      rest = rest.subarray(size);
    }
  };
}

/** A connection of which nothing was sent yet. */
export async function connectFrames(port: number): Promise<FrameClient> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  socket.on('error', () => {});
  const gone = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  const received: Received[] = [];
  const waiting = new Set<(frame: Received | undefined) => void>();
  let isGone = false;
  const tell = (frame: Received | undefined) => {
    for (const look of [...waiting]) look(frame);
  };
  void gone.then(() => {
    isGone = true;
    tell(undefined);
  });
  socket.on(
    'data',
    createReader((bytes) => {
      const frame = frames.read_frame(bytes);
      if (!frame?.performative) return;
      const kind = kindOf(frame.performative);
      if (received.length >= KEPT) received.shift();
      const one = { kind, channel: frame.channel, performative: frame.performative, payload: frame.payload };
      received.push(one);
      tell(one);
    }),
  );
  await Promise.race([once(socket, 'connect'), gone]);
  const write = (bytes: Buffer) => {
    if (!socket.writableEnded && !socket.destroyed) socket.write(bytes);
  };
  return {
    socket,
    received,
    gone,
    write,
    send: (performative, channel = 0, payload) =>
      write(frames.write_frame(frames.amqp_frame(channel, performative, payload))),
    await: (kind, fits = () => true) =>
      new Promise((resolve) => {
        const wanted = (frame: Received) => frame.kind === kind && fits(frame);
        const known = received.find(wanted);
        if (known !== undefined || isGone) {
          resolve(known);
          return;
        }
        const look = (frame: Received | undefined) => {
          if (frame !== undefined && !wanted(frame)) return;
          waiting.delete(look);
          resolve(frame);
        };
        waiting.add(look);
      }),
    destroy: () => socket.destroy(),
  };
}

export class HandshakeError extends Error {}

/** Gets through SASL with a name and a key, or as nobody, and through the exchange of `open`. */
export async function openFrames(
  port: number,
  key?: { readonly name: string; readonly key: string },
): Promise<FrameClient> {
  const client = await connectFrames(port);
  const init = key
    ? { mechanism: 'PLAIN', initial_response: Buffer.from(`\0${key.name}\0${key.key}`) }
    : { mechanism: 'ANONYMOUS' };
  client.write(Buffer.concat([SASL_HEADER, frames.write_frame(frames.sasl_frame(frames.sasl_init(init)))]));
  await client.await('sasl_outcome');
  client.write(AMQP_HEADER);
  client.send(frames.open({ container_id: 'frames', hostname: 'localhost' }));
  if ((await client.await('open')) === undefined) throw new HandshakeError('the connection ended during the handshake');
  return client;
}

/** The name and the key of a connection string. */
export function keyOf(connectionString: string): { readonly name: string; readonly key: string } {
  const part = (name: string) => new RegExp(`${name}=([^;]+)`).exec(connectionString)?.[1] ?? '';
  return { name: part('SharedAccessKeyName'), key: part('SharedAccessKey') };
}

export const begin = (): Performative =>
  frames.begin({ next_outgoing_id: 0, incoming_window: 2048, outgoing_window: 2048 });

/** Attaches a link on which the client sends. */
export const attachSender = (handle: number, address: string, more: Fields = {}): Performative =>
  frames.attach({
    name: `link-${handle}`,
    handle,
    role: false,
    initial_delivery_count: 0,
    source: terminus.source({ address: 'client' }).described(),
    target: terminus.target({ address }).described(),
    ...more,
  });

/** Attaches a link on which the client receives. */
export const attachReceiver = (handle: number, address: string, { filter, ...more }: Fields = {}): Performative =>
  frames.attach({
    name: `link-${handle}`,
    handle,
    role: true,
    source: terminus.source({ address, ...(filter ? { filter } : {}) }).described(),
    target: terminus.target({ address: 'client' }).described(),
    ...more,
  });

const WINDOWS = { next_incoming_id: 0, incoming_window: 2048, next_outgoing_id: 0, outgoing_window: 2048 };

export const flow = (fields: Fields): Performative => frames.flow({ ...WINDOWS, ...fields });

export const transfer = (handle: number, id: number | undefined, more: Fields = {}): Performative =>
  frames.transfer({ handle, delivery_id: id, delivery_tag: Buffer.from(`tag ${id}`), ...more });

/** A message of one data section. */
export function messageOf(body: Buffer): Buffer {
  const head = Buffer.from([0x00, 0x53, 0x75, 0xb0, 0, 0, 0, 0]);
  head.writeUInt32BE(body.length, 4);
  return Buffer.concat([head, body]);
}
