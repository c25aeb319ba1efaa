import { beforeEach, describe, expect, it } from 'vitest';
import type { BlobWriter } from '../../../src/broker/capture/index.js';
import { startPartitionCapture } from '../../../src/broker/capture/partition-capture.js';
import { readProgress } from '../../../src/broker/capture/progress.js';
import { createSlots } from '../../../src/broker/capture/slots.js';
import type { LogEvent } from '../../../src/broker/namespace/index.js';
import type { CaptureDefinition } from '../../../src/broker/topology/index.js';
import { createLogger } from '../../../src/shared/logger.js';
import { createManualClock, type ManualClock } from '../../helpers/manual-clock.js';
import { encode, recordOf } from '../message/messages.js';
import { createMemoryStore, type MemoryStore } from '../namespace/memory-store.js';
import { readAvro } from './avro-reader.js';

const LOG_ID = 4;
const MINUTE_MS = 60_000;
const definition: CaptureDefinition = {
  encoding: 'Avro',
  intervalMs: MINUTE_MS,
  sizeLimitBytes: 1_000_000,
  skipEmptyArchives: true,
  container: 'raw',
  nameFormat: '{Namespace}/{EventHub}/{PartitionId}/{Year}/{Month}/{Day}/{Hour}/{Minute}/{Second}',
  namespace: 'shop',
};

/** A partition in memory: events from `first` on, numbered without gaps. */
function createPartition(clock: ManualClock) {
  const events: LogEvent[] = [];
  const listeners = new Set<() => void>();
  let first = 0;
  return {
    partitionId: '0',
    read: (sequence: number, limit: number) => events.slice(Math.max(sequence, first)).slice(0, limit),
    subscribe(listener: () => void) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    add(count: number) {
      for (let index = 0; index < count; index++) {
        const sequence = events.length;
        const fields = { sequence, offset: String(sequence), enqueuedAtMs: clock.now() };
        events.push({ sequence, record: recordOf(encode({ body: String(sequence) }), fields) });
      }
      for (const listener of listeners) listener();
    },
    forgetBelow(sequence: number) {
      first = sequence;
    },
  };
}

/** Blobs in memory, which can be away. */
function createBlobs() {
  const blobs = new Map<string, Buffer>();
  const writes: string[] = [];
  let failures = 0;
  let away = false;
  const writer: BlobWriter = {
    async write({ container, name }, content) {
      const chunks: Buffer[] = [];
      for await (const chunk of content) chunks.push(Buffer.from(chunk));
      writes.push(name);
      if (failures > 0) {
        failures--;
        throw new Error('the storage is away');
      }
      blobs.set(`${container}/${name}`, Buffer.concat(chunks));
    },
    async has({ container, name }) {
      if (away) throw new Error('the storage is away');
      return blobs.has(`${container}/${name}`);
    },
  };
  return {
    writer,
    writes,
    failNext(times: number) {
      failures = times;
    },
    /** Killed before what it had acknowledged was on its disk. */
    lose() {
      blobs.clear();
    },
    setAway(value: boolean) {
      away = value;
    },
    async sequences(): Promise<number[][]> {
      const files = await Promise.all([...blobs.values()].map(readAvro));
      return files.map(({ events }) => events.map(({ SequenceNumber }) => SequenceNumber));
    },
  };
}

describe('the capture of a partition', () => {
  let clock: ManualClock;
  let store: MemoryStore;
  let partition: ReturnType<typeof createPartition>;
  let blobs: ReturnType<typeof createBlobs>;

  beforeEach(() => {
    clock = createManualClock();
    store = createMemoryStore();
    partition = createPartition(clock);
    blobs = createBlobs();
  });

  async function start() {
    const progress = (await readProgress(store, LOG_ID)) ?? { position: { nextSequence: 0, openedAtMs: clock.now() } };
    const logger = createLogger('test', 'silent');
    return startPartitionCapture(
      { store, clock, random: () => 0.5, logger, blobs: blobs.writer, inSlot: createSlots(1) },
      { hub: 'clicks', logId: LOG_ID, partition, definition },
      progress,
    );
  }

  /** Moves time until the condition holds. */
  async function until(condition: () => boolean, stepMs = 1000): Promise<void> {
    for (let step = 0; !condition(); step++) {
      if (step > 10_000) throw new Error('it never came to that');
      await new Promise((resolve) => setImmediate(resolve));
      clock.advance(stepMs);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }

  it('writes a file when its time has come, and keeps how far it is', async () => {
    const capture = await start();
    partition.add(3);
    await until(() => blobs.writes.length === 1);
    expect(blobs.writes).toEqual(['shop/clicks/0/2026/01/01/00/00/00.avro']);
    expect(await blobs.sequences()).toEqual([[0, 1, 2]]);
    await capture.stop();
    expect((await readProgress(store, LOG_ID))?.position.nextSequence).toBe(3);
  });

  it('tries again, ever more rarely, until the storage is back, and loses nothing', async () => {
    const capture = await start();
    blobs.failNext(12);
    partition.add(2);
    await until(() => blobs.writes.length === 5);
    partition.add(2);
    await until(() => blobs.writes.length === 14);
    expect(new Set(blobs.writes.slice(0, 13)).size).toBe(1);
    expect(await blobs.sequences()).toEqual([
      [0, 1],
      [2, 3],
    ]);
    await capture.stop();
  });

  it('writes a file that it had planned again, under the same name, whatever came since', async () => {
    const first = await start();
    blobs.failNext(1000);
    partition.add(2);
    await until(() => blobs.writes.length > 0);
    await first.stop();
    expect(await blobs.sequences()).toEqual([]);
    const failed = blobs.writes.length;
    blobs.failNext(0);
    partition.add(5);
    const second = await start();
    await until(() => blobs.writes.length === failed + 2);
    expect(blobs.writes[failed]).toBe(blobs.writes[0]);
    expect(await blobs.sequences()).toEqual([
      [0, 1],
      [2, 3, 4, 5, 6],
    ]);
    await second.stop();
  });

  const settling = async () => (await readProgress(store, LOG_ID))?.settling?.length;

  it('writes a file again, under its name, that the storage had taken and then lost', async () => {
    const capture = await start();
    partition.add(3);
    await until(() => blobs.writes.length === 1);
    blobs.lose();
    blobs.setAway(true);
    clock.advance(MINUTE_MS / 2);
    await until(() => true);
    expect(blobs.writes).toHaveLength(1);
    blobs.setAway(false);
    await until(() => blobs.writes.length === 2);
    expect(blobs.writes[1]).toBe(blobs.writes[0]);
    expect(await blobs.sequences()).toEqual([[0, 1, 2]]);
    await capture.stop();
  });

  it('writes it again too when the broker was killed with the storage', async () => {
    const killed = await start();
    partition.add(2);
    await until(() => blobs.writes.length === 1);
    await killed.stop();
    expect(await settling()).toBe(1);
    blobs.lose();
    partition.add(3);
    const next = await start();
    await until(() => blobs.writes.length === 3);
    const sequences = await blobs.sequences();
    expect(sequences.flat().sort()).toEqual([0, 1, 2, 3, 4]);
    await next.stop();
  });

  it('lets go of a file that was there for a while: who removes it then has removed it', async () => {
    const capture = await start();
    partition.add(2);
    await until(() => blobs.writes.length === 1);
    let left: number | undefined;
    for (let step = 0; step < 15 && left !== 0; step++) {
      await until(() => true);
      clock.advance(1000);
      left = await settling();
    }
    expect(left).toBe(0);
    blobs.lose();
    for (let step = 0; step < 60; step++) {
      await until(() => true);
      clock.advance(1000);
    }
    expect(blobs.writes).toHaveLength(1);
    await capture.stop();
    expect(clock.pending).toBe(0);
  });

  it('goes on behind what the hub has forgotten', async () => {
    partition.add(10);
    partition.forgetBelow(6);
    const capture = await start();
    await until(() => blobs.writes.length === 1);
    expect(await blobs.sequences()).toEqual([[6, 7, 8, 9]]);
    await capture.stop();
  });

  it('stops at once while it waits, and leaves no timer', async () => {
    const capture = await start();
    blobs.failNext(1000);
    partition.add(1);
    await until(() => blobs.writes.length === 3);
    await capture.stop();
    expect(clock.pending).toBe(0);
  });
});
