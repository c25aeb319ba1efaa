import type { BlobReader, PartitionEvent } from '../messaging/index.js';
import { ArchiveError } from './errors.js';
import type { ArchivedEvent } from './event.js';
import { type OnProblem, readCaptureFile } from './file.js';
import { type CaptureName, type CaptureNaming, captureNames } from './name.js';
import { createSequence, type Gap } from './sequence.js';

/** The events of a hub as its files of Capture have them. */
export interface CaptureHistory {
  /** The partitions of which there are files, by number. */
  partitions(): Promise<readonly string[]>;
  /** Events that were enqueued in [fromMs, toMs), each once, in the order of their sequence numbers. */
  read(partitionId: string, bounds: { fromMs: number; toMs: number }): AsyncIterable<readonly PartitionEvent[]>;
}

export interface CaptureHistoryDeps {
  readonly blobs: BlobReader;
  /** Something that a file has lost: the reading goes on. */
  readonly onProblem: OnProblem;
  /** Events that are in no file. */
  readonly onGap: (gap: Gap) => void;
}

/**
 * How far the time in a name may be from those of the events in the file: a window is a quarter of an hour at the most,
 * and a name may be some seconds late.
 */
const SLACK_MS = 3_600_000;
/** Files whose beginning is looked at together. */
const LOOKS_AT_ONCE = 4;

/** @throws ArchiveError PS_ARCHIVE_FORMAT */
export function createCaptureHistory(deps: CaptureHistoryDeps, naming: CaptureNaming): CaptureHistory {
  const { blobs, onProblem, onGap } = deps;
  const names = captureNames(naming);
  let listed: Promise<ReadonlyMap<string, readonly CaptureName[]>> | undefined;

  async function list(): Promise<ReadonlyMap<string, readonly CaptureName[]>> {
    const byPartition = new Map<string, CaptureName[]>();
    for await (const name of blobs.list(names.prefix)) {
      const file = names.read(name);
      if (file === undefined) continue;
      const files = byPartition.get(file.partitionId);
      if (files === undefined) byPartition.set(file.partitionId, [file]);
      else files.push(file);
    }
    if (byPartition.size > 0) return byPartition;
    throw new ArchiveError('PS_ARCHIVE_EMPTY', `no file of Capture below ${names.prefix}: is the hub captured there?`);
  }
  const files = () => {
    listed ??= list();
    return listed;
  };

  /** The files that hold any event, by the first one: the order of their names is not always that of their events. */
  async function inOrder(candidates: readonly CaptureName[]): Promise<readonly StartedFile[]> {
    const started: StartedFile[] = [];
    const rest = candidates.values();
    const look = async () => {
      for (const { name } of rest) {
        const first = await firstOf(readCaptureFile({ blobs, onProblem: () => {} }, name));
        if (first !== undefined) started.push({ name, first });
        // Nothing can be read of it: that is told of now, and not when it would be its turn.
        else await drain(readCaptureFile({ blobs, onProblem }, name));
      }
    };
    await Promise.all(Array.from({ length: LOOKS_AT_ONCE }, look));
    return started.sort((a, b) => a.first - b.first || (a.name < b.name ? -1 : 1));
  }

  return {
    partitions: async () => [...(await files()).keys()].sort((a, b) => Number(a) - Number(b)),
    async *read(partitionId, { fromMs, toMs }) {
      const candidates = ((await files()).get(partitionId) ?? []).filter(
        ({ openedAtMs }) => openedAtMs >= fromMs - SLACK_MS && openedAtMs < toMs + SLACK_MS,
      );
      const started = await inOrder(candidates);
      const sequence = createSequence(partitionId, { fromMs, toMs, onGap });
      for await (const { name, events } of merged(started, (file) => readCaptureFile({ blobs, onProblem }, file))) {
        const wanted = sequence.take(events, name);
        if (wanted.length > 0) yield wanted.map((event) => ({ partitionId, ...event }));
        if (sequence.done) return;
      }
    },
  };
}

interface StartedFile {
  readonly name: string;
  /** The sequence number of its first event. */
  readonly first: number;
}

async function firstOf(events: AsyncIterable<readonly ArchivedEvent[]>): Promise<number | undefined> {
  for await (const [event] of events) return event?.sequenceNumber;
  return undefined;
}

async function drain(events: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of events);
}

interface OpenFile {
  readonly name: string;
  readonly rest: AsyncIterator<readonly ArchivedEvent[]>;
  events: readonly ArchivedEvent[];
  /** The first of them that was not given yet. */
  at: number;
}

const headOf = ({ events, at }: OpenFile): number => (events[at] as ArchivedEvent).sequenceNumber;

/** The events of files that begin in this order, by sequence number. As many are open as overlap: mostly one. */
async function* merged(
  files: readonly StartedFile[],
  read: (name: string) => AsyncIterable<readonly ArchivedEvent[]>,
): AsyncGenerator<{ readonly name: string; readonly events: readonly ArchivedEvent[] }> {
  let open: OpenFile[] = [];
  let next = 0;
  const advance = async (file: OpenFile) => {
    const { done, value } = await file.rest.next();
    file.at = 0;
    if (!done) file.events = value;
    else open = open.filter((one) => one !== file);
  };
  try {
    for (;;) {
      const lowest = Math.min(...open.map(headOf));
      const closed = files[next];
      if (closed !== undefined && (open.length === 0 || closed.first <= lowest)) {
        next++;
        const file: OpenFile = {
          name: closed.name,
          rest: read(closed.name)[Symbol.asyncIterator](),
          events: [],
          at: 0,
        };
        open.push(file);
        await advance(file);
        continue;
      }
      const file = open.find((one) => headOf(one) === lowest);
      if (file === undefined) return;
      // Up to where another file has something to say.
      const others = open.filter((one) => one !== file).map(headOf);
      const limit = Math.min(closed?.first ?? Number.POSITIVE_INFINITY, ...others);
      const from = file.at++;
      while (file.at < file.events.length && headOf(file) < limit) file.at++;
      yield { name: file.name, events: file.events.slice(from, file.at) };
      if (file.at === file.events.length) await advance(file);
    }
  } finally {
    await Promise.all(open.map(({ rest }) => rest.return?.()));
  }
}
