import type { EventLog } from '../../../src/broker/log/event-log.js';
import { createEventLogs, type EventLogs, type EventLogsOptions } from '../../../src/broker/log/event-logs.js';
import type { LogEvent } from '../../../src/broker/log/frame.js';
import type { MemoryDisk } from './memory-disk.js';

/** So small that a few events fill segments, blocks and memory. */
const tinyOptions: EventLogsOptions = {
  segmentBytes: 400,
  memoryBytes: 600,
  blockBytes: 200,
  readAheadBytes: 300,
};

export interface Opened {
  readonly logs: EventLogs;
  readonly log: EventLog;
  readonly failures: unknown[];
}

export async function openLog(
  disk: MemoryDisk,
  known: { nextSequence?: number; firstSequence?: number; maxBytes?: number; options?: EventLogsOptions } = {},
): Promise<Opened> {
  const failures: unknown[] = [];
  const logs = createEventLogs(disk, known.options ?? tinyOptions, { onFailure: (error) => void failures.push(error) });
  const log = await logs.open(1, {
    nextSequence: known.nextSequence ?? 0,
    firstSequence: known.firstSequence ?? 0,
    maxBytes: () => known.maxBytes ?? Number.POSITIVE_INFINITY,
  });
  return { logs, log, failures };
}

export function appendTexts(log: EventLog, texts: readonly string[], nowMs: number, note?: Buffer): Promise<void> {
  const records = texts.map((text) => Buffer.from(text));
  return log.append({
    enqueuedAtMs: log.numbers.stamp(nowMs).enqueuedAtMs,
    sizes: records.map(({ length }) => length),
    write: (into, at, index) => void records[index]?.copy(into, at),
    note,
  });
}

/** Everything from `sequence` on, a few events at a time. */
export async function readAll(log: EventLog, sequence = 0, limit = 3): Promise<[number, string][]> {
  const found: [number, string][] = [];
  for (let next = sequence; ; ) {
    const events: readonly LogEvent[] = await log.read(next, limit);
    if (events.length === 0) return found;
    for (const { sequence: at, record } of events) {
      found.push([at, record.toString()]);
      next = at + 1;
    }
  }
}

export const newestSegment = (disk: MemoryDisk): string =>
  [...disk.files.keys()]
    .filter((path) => path.endsWith('.events'))
    .sort()
    .at(-1) ?? '';
