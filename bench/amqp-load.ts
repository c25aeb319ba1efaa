import { createCipheriv, createHash } from 'node:crypto';
import rhea, { type Connection, type Delivery, type EventContext, type Sender } from 'rhea';
import type { AmqpLoadOptions, AmqpLoadResult } from './lib/amqp-load.js';

/**
 * One AMQP 1.0 client that sends to or receives from any broker, in a process of its own. Messages are encoded once:
 * what is measured is the broker, and the client is to be the lesser part of the machine's work.
 */
const BATCH_FORMAT = 0x80013700;
/** A receiver that got nothing for so long has everything. */
const QUIET_MS = 1000;

const cpuSeconds = () => (process.cpuUsage().user + process.cpuUsage().system) / 1e6;

function connect({ host, port, username, password }: AmqpLoadOptions): Connection {
  const connection = rhea.create_container().connect({
    host,
    port,
    username,
    password,
    reconnect: false,
    idle_time_out: 60_000,
    max_frame_size: 1024 * 1024,
    channel_max: 1,
  });
  const fail = (context: EventContext) => {
    const error: unknown = context.connection.error ?? context.sender?.error ?? context.receiver?.error;
    process.stderr.write(`amqp load: ${JSON.stringify(error ?? context.error?.message ?? 'disconnected')}\n`);
    process.exit(1);
  };
  for (const event of ['connection_error', 'sender_error', 'receiver_error', 'disconnected', 'rejected', 'released'])
    connection.on(event, fail);
  return connection;
}

/** Bytes that do not compress, the same in every run: a broker that compresses has no advantage of the bench's own making. */
function bodyOf(bytes: number): Buffer {
  const key = createHash('sha256').update('penstock').digest();
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(bytes));
}

/** Stands where the id of a message goes. */
const ID_PLACE = '#'.repeat(24);

/** A durable message of `bodyBytes`, or a batch of `batch` of them. */
function encodeTransfer({ bodyBytes, batch, applicationProperties }: AmqpLoadOptions): Buffer {
  const body = rhea.message.data_section(bodyOf(bodyBytes));
  const properties = applicationProperties && { application_properties: { ...applicationProperties } };
  const message = rhea.message.encode({ durable: true, message_id: ID_PLACE, ...properties, body }) as Buffer;
  if (batch === undefined) return message;
  const sections = Array.from({ length: batch }, () => message);
  return rhea.message.encode({ durable: true, body: rhea.message.data_sections(sections as never) }) as Buffer;
}

/** The encoded message with the next id; a batch has the same for all, since hubs do not look at it. */
function numbered(payload: Buffer, number: number): Buffer {
  const copy = Buffer.from(payload);
  copy.write(number.toString(36).padStart(ID_PLACE.length, '0'), payload.indexOf(ID_PLACE), 'latin1');
  return copy;
}

function send(options: AmqpLoadOptions, done: (result: AmqpLoadResult) => void): void {
  const connection = connect(options);
  const each = options.batch ?? 1;
  const payload = encodeTransfer(options);
  const format = options.batch === undefined ? 0 : BATCH_FORMAT;
  // No id comes again in another run.
  const firstId = Date.now() * 1000;
  const limit = options.count === undefined ? Number.POSITIVE_INFINITY : Math.ceil(options.count / each);
  let [sent, accepted, ended] = [0, 0, false];
  let measured = { fromMs: 0, accepted: 0, untilMs: 0 };
  const sender = connection.open_sender({ target: { address: options.address }, autosettle: true }) as Sender;

  function pump(): void {
    while (!ended && sent < limit && sent - accepted < options.inFlight && sender.sendable()) {
      sender.send(format === 0 ? numbered(payload, firstId + sent) : payload, String(sent++), format);
    }
    if (accepted === sent && (ended || sent >= limit)) finish();
  }
  function finish(): void {
    const untilMs = measured.untilMs || performance.now();
    const count = (measured.untilMs === 0 ? accepted : measured.accepted) * each;
    connection.removeAllListeners('disconnected');
    connection.close();
    done({ count, countInAll: accepted * each, ms: untilMs - measured.fromMs, cpuSeconds: cpuSeconds() });
  }
  connection.once('sendable', () => {
    measured.fromMs = performance.now();
    if (options.count !== undefined) return;
    setTimeout(() => {
      const before = accepted;
      measured.fromMs = performance.now();
      setTimeout(() => {
        measured = { ...measured, accepted: accepted - before, untilMs: performance.now() };
        ended = true;
      }, options.seconds * 1000);
    }, options.warmUpSeconds * 1000);
  });
  connection.on('sendable', pump);
  connection.on('accepted', () => {
    accepted++;
    pump();
  });
}

function receive(options: AmqpLoadOptions, done: (result: AmqpLoadResult) => void): void {
  const connection = connect(options);
  let [count, firstMs, lastMs] = [0, 0, 0];
  connection.open_receiver({
    source: { address: options.address },
    credit_window: options.inFlight,
    autoaccept: false,
  });
  const finish = () => {
    clearInterval(watch);
    connection.removeAllListeners('disconnected');
    connection.close();
    done({ count, countInAll: count, ms: lastMs - firstMs, cpuSeconds: cpuSeconds() });
  };
  const watch = setInterval(() => {
    if (count > 0 && performance.now() - lastMs > QUIET_MS) finish();
  }, 100);
  connection.on('message', ({ delivery }: EventContext) => {
    (delivery as Delivery).accept();
    lastMs = performance.now();
    if (count++ === 0) firstMs = lastMs;
    if (count === options.count) finish();
  });
}

process.once('message', (options: AmqpLoadOptions) => {
  const work = options.work === 'send' ? send : receive;
  work(options, (result) => process.send?.(result, () => process.disconnect()));
});
