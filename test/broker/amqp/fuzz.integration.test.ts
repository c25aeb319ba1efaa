import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import { EventHubProducerClient } from '@azure/event-hubs';
import { ServiceBusClient } from '@azure/service-bus';
import fc from 'fast-check';
import rhea from 'rhea';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectRaw } from '../../helpers/amqp-client.js';
import { queue, startTestBroker, type TestBroker, testTopology } from '../../helpers/broker.js';
import { createRandom, fuzzSeed } from '../../helpers/seed.js';
import { askNode, fieldOf, OPERATIONS, type Request, STATUSES } from './management-node.js';

const LIMIT_MS = 8000;
const RUNS = 1200;
const AT_ONCE = 8;
/** What garbage collection may leave behind, on a process that runs the tests as well. */
const GROWTH_BYTES = 256 * 1024 * 1024;

let broker: TestBroker;
beforeAll(async () => {
  const queues = [...testTopology.queues, queue('plain'), queue('sessions', { requiresSession: true })];
  broker = await startTestBroker({ ...testTopology, queues });
});
afterAll(() => broker.remove());

/** What a real client sends, by its connection: headers and frames, each a buffer. */
async function record(use: (connectionString: string) => Promise<void>): Promise<Buffer[]> {
  const chunks: Buffer[] = [];
  const proxy: Server = createServer((client) => {
    const upstream = connect(broker.port, '127.0.0.1');
    client.on('data', (chunk) => chunks.push(chunk));
    client.pipe(upstream).pipe(client);
    for (const socket of [client, upstream]) socket.on('error', () => {});
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const { port } = proxy.address() as { port: number };
  await use(broker.connectionString.replace(`:${broker.port}`, `:${port}`));
  proxy.close();
  return unitsOf(Buffer.concat(chunks));
}

function unitsOf(bytes: Buffer): Buffer[] {
  const units: Buffer[] = [];
  for (let at = 0; at + 8 <= bytes.length; ) {
    const size = bytes.toString('latin1', at, at + 4) === 'AMQP' ? 8 : bytes.readUInt32BE(at);
    units.push(bytes.subarray(at, at + size));
    at += size;
  }
  return units;
}

async function sendAndReceive(connectionString: string): Promise<void> {
  const client = new ServiceBusClient(connectionString);
  await client.createSender('events').sendMessages([{ body: 'a', messageId: 'a' }, { body: { b: [1, 2, 3] } }]);
  const receiver = client.createReceiver('events', 'audit');
  const [first, second] = await receiver.receiveMessages(2, { maxWaitTimeInMs: 5000 });
  if (first) await receiver.completeMessage(first);
  if (second) await receiver.deadLetterMessage(second);
  await receiver.peekMessages(2);
  await client.close();
}

async function produce(connectionString: string): Promise<void> {
  const producer = new EventHubProducerClient(connectionString, 'clicks');
  await producer.getPartitionProperties('0');
  await producer.sendBatch([{ body: 'x'.repeat(1000) }], { partitionKey: 'key' });
  await producer.close();
}

describe('a broker that is sent mutated frames', () => {
  const random = createRandom(fuzzSeed('wire'));

  const hostile = (): Buffer =>
    random.pick([
      // Lists, maps and arrays that claim billions of items; described values without end; a map that is odd.
      Buffer.from([0xd0, 0, 0, 0, 5, 0xff, 0xff, 0xff, 0xff, 0x40]),
      Buffer.from([0xd0, 0xff, 0xff, 0xff, 0xff, 0x01, 0xff, 0xff, 0xff]),
      Buffer.from([0xf0, 0, 0, 0, 5, 0xff, 0xff, 0xff, 0xff, 0x40]),
      Buffer.from([0xc1, 3, 1, 0xa1, 0]),
      Buffer.alloc(random.below(5000), 0x00),
      Buffer.concat(Array.from({ length: random.below(400) }, () => Buffer.from([0xd0, 0, 0, 0xff, 0, 0, 0, 0, 1]))),
      Buffer.from([0xb1, 0x7f, 0xff, 0xff, 0xff, 0x41]),
      Buffer.from(Array.from({ length: random.below(64) }, () => random.below(256))),
    ]);

  function sized(frame: Buffer): Buffer {
    if (frame.length >= 8) frame.writeUInt32BE(frame.length, 0);
    return frame;
  }

  function mutateFrame(given: Buffer): Buffer {
    const frame = Buffer.from(given);
    // What is left of one that was cut short before.
    if (frame.length < 8) return frame;
    const at = random.below(frame.length);
    switch (random.below(7)) {
      case 0:
        for (let flips = 1 + random.below(4); flips > 0; flips--) {
          const place = random.below(frame.length);
          frame[place] = (frame[place] as number) ^ (1 << random.below(8));
        }
        return frame;
      case 1:
        return frame.subarray(0, at);
      case 2:
        return sized(Buffer.from(frame.subarray(0, Math.max(8, at))));
      case 3:
        frame.writeUInt32BE(random.pick([0, 1, 7, 8, frame.length + 1, 0xffff, 0xffffffff]), 0);
        return frame;
      case 4:
        return sized(Buffer.concat([frame.subarray(0, Math.max(8, at)), hostile(), frame.subarray(Math.max(8, at))]));
      case 5:
        return sized(Buffer.concat([frame.subarray(0, Math.max(8, at)), hostile()]));
      default:
        frame[at] = random.pick([
          0x00, 0x40, 0x41, 0x43, 0x45, 0x53, 0x70, 0x80, 0xa1, 0xb1, 0xc0, 0xd0, 0xe0, 0xf0, 0xff,
        ]);
        return frame;
    }
  }

  /** A recording with some of its frames changed, left out, sent twice or out of their order. */
  function mutate(units: readonly Buffer[]): Buffer {
    const result = [...units];
    for (let changes = 1 + random.below(2); changes > 0; changes--) {
      const at = random.below(result.length);
      const unit = result[at] as Buffer;
      switch (random.below(10)) {
        case 0:
          result.splice(at, 1);
          break;
        case 1:
          result.splice(at, 0, unit);
          break;
        case 2:
          result.splice(random.below(result.length), 0, ...result.splice(at, 1));
          break;
        default:
          result[at] = mutateFrame(unit);
      }
      if (result.length === 0) return Buffer.alloc(0);
    }
    return Buffer.concat(result);
  }

  /** Sends the bytes, and nothing more; resolves when the connection is gone. */
  const replay = (bytes: Buffer): Promise<void> =>
    new Promise((resolve) => {
      const socket = connect(broker.port, '127.0.0.1', () => socket.end(bytes));
      socket.on('error', () => {});
      socket.on('close', () => resolve());
      socket.resume();
    });

  it('stays up and flat in memory, and other clients notice nothing', async () => {
    const recordings = [await record(sendAndReceive), await record(produce)];
    expect(recordings.every((units) => units.length > 10)).toBe(true);

    const witness = new ServiceBusClient(broker.connectionString);
    const sender = witness.createSender('events');
    const heldBytes = process.memoryUsage().rss;
    const endMs = performance.now() + LIMIT_MS;
    let runs = 0;
    let sent = 0;
    while (runs < RUNS && performance.now() < endMs) {
      const batch = Array.from({ length: AT_ONCE }, () => replay(mutate(random.pick(recordings))));
      await Promise.all([...batch, sender.sendMessages({ body: 'witness', messageId: `witness-${sent++}` })]);
      runs += AT_ONCE;
    }
    expect(process.memoryUsage().rss - heldBytes).toBeLessThan(GROWTH_BYTES);

    const seen = new Set<string>();
    const receiver = witness.createReceiver('events', 'all', { receiveMode: 'receiveAndDelete' });
    while (seen.size < sent) {
      for (const { messageId } of await receiver.receiveMessages(500, { maxWaitTimeInMs: 5000 })) {
        if (String(messageId).startsWith('witness-')) seen.add(String(messageId));
      }
    }
    expect(seen.size).toBe(sent);
    await witness.close();
  });
});

/** Any value that AMQP has, as a client may give it. */
const { amqpValue } = fc.letrec<{ amqpValue: unknown }>((tie) => {
  const { types } = rhea;
  const long = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64BE(value);
    return types.wrap_long(bytes as never);
  });
  const scalar = fc.oneof(
    fc.constantFrom<unknown>(null, true, false, '', 0, 1, -1, 250, 4001, 2 ** 31, 2 ** 53, Number.NaN, -0.5),
    long,
    fc.integer().map((value) => types.wrap_int(value)),
    fc.double().map((value) => types.wrap_double(value)),
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.constantFrom('s', 'completed', 'suspended', '__proto__', 'constructor', '1=1', "a LIKE '%'"),
    fc.string({ maxLength: 20 }).map((value) => types.wrap_symbol(value)),
    fc.uint8Array({ maxLength: 40 }).map((value) => types.wrap_binary(Buffer.from(value))),
    fc.uint8Array({ minLength: 16, maxLength: 16 }).map((value) => types.wrap_uuid(Buffer.from(value))),
    fc.maxSafeInteger().map((value) => types.wrap_timestamp(value)),
  );
  const key = fc.constantFrom('expression', 'sql-filter', 'correlation-filter', 'properties', 'label', 'message', 'x');
  return {
    amqpValue: fc.oneof(
      { maxDepth: 3, depthSize: 'small' },
      { weight: 4, arbitrary: scalar },
      { weight: 1, arbitrary: fc.array(tie('amqpValue'), { maxLength: 5 }) },
      { weight: 1, arbitrary: fc.dictionary(key, tie('amqpValue'), { maxKeys: 4 }) },
      { weight: 1, arbitrary: fc.array(fc.integer(), { minLength: 1, maxLength: 300 }).map(arrayOf(0x71)) },
      { weight: 1, arbitrary: fc.constantFrom(251, 4001, 5000).map((length) => new Array(length).fill(7)) },
      { weight: 1, arbitrary: fc.tuple(tie('amqpValue'), fc.nat()).map(([one, code]) => describedAs(one, code)) },
    ),
  };
});

function arrayOf(code: number) {
  return (values: readonly number[]): unknown => rhea.types.wrap_array([...values], code, undefined);
}

function describedAs(value: unknown, code: number): unknown {
  return rhea.types.wrap_described([value] as never, code);
}

const anyRequest: fc.Arbitrary<Request> = fc
  .tuple(fc.constantFrom(...Object.keys(OPERATIONS), 'READ'), fc.infiniteStream(fc.tuple(fc.nat(3), amqpValue)))
  .map(([name, values]) => {
    const good = OPERATIONS[name] ?? {};
    const body: Record<string, unknown> = {};
    for (const [field, value] of Object.entries(good)) {
      const [choice, other] = values.next().value;
      if (choice > 0) body[field] = choice === 1 ? value : other;
    }
    const [, type] = values.next().value;
    return name === 'READ' ? [name, '[]', { name: 'clicks', type }] : [`com.microsoft:${name}`, body];
  });

describe('a management node that is sent random values in random fields', () => {
  it('answers each request with a status and with what is wrong by its name, and never fails itself', async () => {
    const connection = await connectRaw(broker);
    const nodes = ['plain', 'sessions', 'events', 'events/Subscriptions/audit', 'clicks'];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...nodes),
        fc.array(anyRequest, { minLength: 40, maxLength: 40, size: 'max' }),
        async (node, requests) => {
          const fields = new Set([
            'operation',
            'name',
            'type',
            'partition',
            ...Object.values(OPERATIONS).flatMap(Object.keys),
          ]);
          for (const { status, condition, description, request } of await askNode(connection, node, requests)) {
            expect([STATUSES.has(status), status, request[0], typeof description]).toEqual([
              true,
              status,
              request[0],
              'string',
            ]);
            if (condition !== 'com.microsoft:argument-error') continue;
            expect([fields.has(fieldOf(description) ?? ''), description]).toEqual([true, description]);
          }
        },
      ),
      { numRuns: 40, interruptAfterTimeLimit: LIMIT_MS / 2, seed: fuzzSeed('management') },
    );
    connection.close();
  });
});
