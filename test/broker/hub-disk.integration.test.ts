import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import rhea, { type EventContext } from 'rhea';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findBrokerDamage, repairBroker } from '../../src/broker/index.js';
import type { EventLog } from '../../src/broker/log/event-log.js';
import { createEventLogs, createNodeDisk, defaultEventLogsOptions } from '../../src/broker/log/index.js';
import { openLevelStore } from '../../src/broker/store/index.js';
import { definitionKey, deletedLogKey } from '../../src/broker/store/keys.js';
import { systemClock } from '../../src/shared/clock.js';
import { startTestBroker } from '../helpers/broker.js';
import { createHubClients, readEvents, sendTo } from '../helpers/hub-clients.js';
import { appendTexts, readAll } from './log/driver.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'penstock-hub-disk-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const options = { ...defaultEventLogsOptions, segmentBytes: 20_000, memoryBytes: 10_000, blockBytes: 5_000 };
const known = { nextSequence: 0, firstSequence: 0, maxBytes: () => Number.POSITIVE_INFINITY };

async function open(): Promise<{ log: EventLog; close: () => Promise<void> }> {
  const onFailure = (error: unknown) => {
    throw error;
  };
  const logs = createEventLogs(createNodeDisk(folder), options, { onFailure });
  return { log: await logs.open(7, known), close: logs.close };
}

describe('the files of a partition', () => {
  it('hold what was appended, over segments, an end without notice and a torn end', async () => {
    const first = await open();
    const texts = Array.from({ length: 200 }, (_, index) => `${index}`.padEnd(300));
    for (let at = 0; at < 200; at += 10) {
      await Promise.all(texts.slice(at, at + 10).map((text) => appendTexts(first.log, [text], at)));
    }
    const all = texts.map((text, sequence) => [sequence, text]);
    expect(await readAll(first.log)).toEqual(all);
    // As after kill -9: nothing was closed.
    expect(await readAll((await open()).log)).toEqual(all);
    const names = (await readdir(join(folder, '00000007'))).filter((name) => name.endsWith('.events')).sort();
    expect(names.length).toBeGreaterThan(2);
    const newest = join(folder, '00000007', names.at(-1) ?? '');
    await truncate(newest, (await readFile(newest)).length - 1);
    const torn = await open();
    expect(await readAll(torn.log)).toEqual(all.slice(0, 199));
    await appendTexts(torn.log, ['again'], 300);
    await torn.close();
    expect((await readAll((await open()).log)).at(-1)).toEqual([199, 'again']);
    await first.close().catch(() => {});
  });

  it('are removed with the events that the retention takes', async () => {
    const { log, close } = await open();
    for (let index = 0; index < 100; index++) await appendTexts(log, [`${index}`.padEnd(1000)], index);
    await log.retain({ oldestMs: 1000, maxBytes: Number.POSITIVE_INFINITY });
    expect((await readdir(join(folder, '00000007'))).filter((name) => name.endsWith('.events'))).toEqual([
      '0000000000000100.events',
    ]);
    await close();
    expect((await open()).log.numbers.facts()).toMatchObject({ firstSequence: 100, lastSequence: 99 });
  });
});

/** Reads a partition from its beginning, as a client whose credit comes late. */
function readWithRhea(connectionString: string, count: number): Promise<unknown[]> {
  const { port } = new URL((/Endpoint=sb(:[^;]+)/.exec(connectionString)?.[1] ?? '').replace(':', 'http:'));
  const [, username = '', password = ''] =
    /SharedAccessKeyName=([^;]+);SharedAccessKey=([^;]+)/.exec(connectionString) ?? [];
  const connection = rhea
    .create_container()
    .connect({ host: 'localhost', port: Number(port), username, password, reconnect: false });
  const address = 'clicks/ConsumerGroups/$Default/Partitions/1';
  const receiver = connection.open_receiver({ source: { address }, credit_window: 0, autoaccept: true });
  const found: unknown[] = [];
  return new Promise((resolve, reject) => {
    receiver.on('receiver_open', () => receiver.add_credit(count));
    receiver.on('message', ({ message }: EventContext) => {
      if (found.push(message?.body) === count) resolve(found);
    });
    receiver.on('receiver_error', () => reject(receiver.error as Error));
  }).finally(() => connection.close()) as Promise<unknown[]>;
}

describe('a broker with events that are on disk only', () => {
  async function fill(): Promise<void> {
    const broker = await startTestBroker(undefined, { dataDir: folder });
    const { EventHubProducerClient } = await import('@azure/event-hubs');
    const producer = new EventHubProducerClient(broker.connectionString, 'clicks');
    await producer.sendBatch([{ body: 'a' }, { body: 'b' }, { body: 'c' }], { partitionId: '1' });
    await producer.close();
    await broker.stop();
  }

  it('sends them to a reader whose credit comes after its link', async () => {
    await fill();
    const broker = await startTestBroker(undefined, { dataDir: folder });
    expect(await readWithRhea(broker.connectionString, 3)).toHaveLength(3);
    await broker.stop();
  });

  it('does not start when they are not all there, says which file, and leaves it as it is', async () => {
    await fill();
    const hubs = join(folder, 'broker', 'hubs');
    const [partition = ''] = await readdir(hubs);
    const path = join(hubs, partition, '0000000000000000.events');
    const whole = await readFile(path);
    await writeFile(path, whole.subarray(0, whole.length - 5));
    const refused = { code: 'PS_BROKER_STORE_CORRUPT', message: expect.stringContaining(partition) as string };
    await expect(startTestBroker(undefined, { dataDir: folder })).rejects.toMatchObject(refused);
    expect(await readFile(path)).toEqual(whole.subarray(0, whole.length - 5));
    await writeFile(path, whole);
    await (await startTestBroker(undefined, { dataDir: folder })).stop();
  });
});

describe('the events of a hub that the database does not know', () => {
  const hubs = () => join(folder, 'broker', 'hubs');
  const segment = '0000000000000000.events';

  async function fill(): Promise<{ partition: string; events: Buffer }> {
    const broker = await startTestBroker(undefined, { dataDir: folder });
    const clients = createHubClients(broker.connectionString);
    await sendTo(clients.producer('clicks'), '1', ['kept']);
    await clients.close();
    await broker.stop();
    const [partition = ''] = await readdir(hubs());
    return { partition, events: await readFile(join(hubs(), partition, segment)) };
  }

  async function write(writes: (id: number) => { key: Buffer; value?: Buffer }[], partition: string): Promise<void> {
    const store = await openLevelStore(join(folder, 'broker', 'store'));
    await store.commit(writes(Number(partition)));
    await store.close();
  }

  it('are never removed: the broker does not start, and a repair puts them aside as they are', async () => {
    const { partition, events } = await fill();
    await write(() => [{ key: definitionKey('clicks') }], partition);
    const refused = {
      code: 'PS_BROKER_STORE_CORRUPT',
      message: expect.stringMatching(new RegExp(`${partition} is of a hub .*penstock broker repair`)) as string,
    };
    for (let start = 0; start < 2; start++) {
      await expect(startTestBroker(undefined, { dataDir: folder })).rejects.toMatchObject(refused);
    }
    expect(await readFile(join(hubs(), partition, segment))).toEqual(events);
    const file = join('hubs', partition);
    expect(await findBrokerDamage(folder)).toMatchObject([{ file }]);
    const { losses, keptIn } = await repairBroker(folder, systemClock);
    expect(losses).toMatchObject([{ file, what: expect.stringContaining('was put away') as string }]);
    expect(await readFile(join(keptIn, file, segment))).toEqual(events);
    await (await startTestBroker(undefined, { dataDir: folder })).stop();
  });

  it('are removed where a deletion of their hub was cut short', async () => {
    const { partition } = await fill();
    const deletion = (id: number) => [
      { key: definitionKey('clicks') },
      { key: deletedLogKey(id), value: Buffer.alloc(0) },
    ];
    await write(deletion, partition);
    expect(await findBrokerDamage(folder)).toEqual([]);
    await (await startTestBroker(undefined, { dataDir: folder })).stop();
    expect(await readdir(hubs())).not.toContain(partition);
    expect(await findBrokerDamage(folder)).toEqual([]);
  });
});

describe('a hub with damaged files', () => {
  it('says so to its reader, and after a repair goes on without what is lost, with every checkpoint still good', async () => {
    const broker = await startTestBroker(undefined, { dataDir: folder });
    const clients = createHubClients(broker.connectionString);
    for (const body of ['first', 'second', 'third', 'fourth']) await sendTo(clients.producer('clicks'), '1', [body]);
    await clients.close();
    await broker.stop();
    const hubs = join(folder, 'broker', 'hubs');
    const partitions = await readdir(hubs);
    const damaged = join(hubs, partitions[0] ?? '', '0000000000000000.events');
    const bytes = await readFile(damaged);
    await writeFile(damaged, bytes.fill('x', bytes.indexOf('second'), bytes.indexOf('second') + 6));

    const told = await startTestBroker(undefined, { dataDir: folder });
    const reading = createHubClients(told.connectionString);
    await expect(readEvents(reading.consumer('clicks'), 4, { partitionId: '1' })).rejects.toThrow('is damaged at byte');
    await reading.close();
    await told.stop();

    const place = join('hubs', partitions[0] ?? '', '0000000000000000.events');
    expect(await findBrokerDamage(folder)).toMatchObject([
      {
        file: place,
        what: expect.stringMatching(/^is damaged from byte \d+ to \d+: it loses event 1 of clicks\/1$/) as string,
      },
    ]);
    const { losses, keptIn } = await repairBroker(folder, systemClock);
    expect(losses).toEqual([{ file: place, what: 'lost event 1 of clicks/1' }]);
    expect((await readFile(join(keptIn, place))).equals(bytes)).toBe(true);
    expect(await findBrokerDamage(folder)).toEqual([]);

    const mended = await startTestBroker(undefined, { dataDir: folder });
    const again = createHubClients(mended.connectionString);
    await sendTo(again.producer('clicks'), '1', ['fifth']);
    const from = async (sequenceNumber: number, isInclusive: boolean, count: number) => {
      const startPosition = { sequenceNumber, isInclusive };
      const events = await readEvents(again.consumer('clicks'), count, { partitionId: '1', startPosition });
      return events.map((event) => [event.sequenceNumber, event.body as unknown]);
    };
    const rest = [
      [2, 'third'],
      [3, 'fourth'],
      [4, 'fifth'],
    ];
    expect(await from(0, true, 4)).toEqual([[0, 'first'], ...rest]);
    expect(await from(0, false, 3)).toEqual(rest);
    expect(await from(1, true, 3)).toEqual(rest);
    expect(await from(1, false, 3)).toEqual(rest);
    await again.close();
    await mended.stop();
  });
});
