import { type Clock, every } from '../../shared/clock.js';
import type { Logger } from '../../shared/logger.js';
import { ENTRY_BYTES, ENTRY_WORDS, readEntry } from './entry.js';
import type { FingerprintKey } from './fingerprint.js';
import type { Journal, OpenJournal } from './journal.js';
import { createMemory, type Memory, type RecallNames, type RecallOptions } from './memory.js';
import { type Remembered, search } from './search.js';
import { createVisit, type Visit } from './visit.js';

export interface RecallDeps {
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'warn'>;
  /** For fingerprints that no journal keeps. */
  readonly newKey: () => FingerprintKey;
  /** Without one nothing is known after a restart, nor of what other gateways accept. */
  readonly openJournal?: OpenJournal | undefined;
}

/** What the gateway remembers of the events that it was given, so that a retry is known, and an engineer can ask. */
export interface Recall {
  /** Opens the memory for the events of one request. */
  visit(source: string, receivedAtMs: number): Visit;
  /** What is remembered of an id, or of the key of an order; the newest first. */
  find(id: string): Remembered[];
  report(): RecallReport;
  close(): Promise<void>;
}

export interface RecallReport {
  readonly ids: number;
  /** The time of the oldest. */
  readonly idsSinceMs: number | undefined;
  readonly events: number;
  readonly eventsSinceMs: number | undefined;
}

/** How often it is looked what other gateways of the same folder have accepted. */
const READ_OTHERS_MS = 1_000;
/** What the journal keeps beyond what is remembered: files are removed whole. */
const JOURNAL_SHARE = 2;
const MIN_JOURNAL_BYTES = 1024 * 1024;

export async function openRecall(deps: RecallDeps, names: RecallNames, options: RecallOptions): Promise<Recall> {
  const { clock, logger } = deps;
  const journal = options.ids === 0 ? undefined : await open(deps, options);
  const memory = createMemory(journal?.key ?? deps.newKey(), names, options);
  const readOthers = async () => {
    for (const block of (await journal?.readOthers()) ?? []) learn(memory, block, { ...options, nowMs: clock.now() });
  };
  const tryReading = () =>
    readOthers().catch((error: unknown) =>
      logger.warn({ err: error }, 'the ids that were written down cannot be read'),
    );
  await tryReading();
  const stopReading = journal === undefined ? () => {} : every(clock, READ_OTHERS_MS, tryReading);

  return {
    visit: (source, receivedAtMs) => createVisit({ clock, memory, journal }, source, receivedAtMs),
    find: (id) => search(memory, id, clock.now()),
    report: () => ({
      ids: memory.known.size,
      idsSinceMs: memory.known.sinceMs,
      events: memory.recent.size,
      eventsSinceMs: memory.recent.sinceMs,
    }),
    async close() {
      stopReading();
      await journal?.close();
    },
  };
}

/** A folder that cannot be used is no reason not to take events. */
async function open({ openJournal, logger }: RecallDeps, { ids, ageMs }: RecallOptions): Promise<Journal | undefined> {
  const maxBytes = Math.max(MIN_JOURNAL_BYTES, JOURNAL_SHARE * ids * ENTRY_BYTES);
  try {
    return await openJournal?.({ ageMs, maxBytes });
  } catch (error) {
    logger.warn({ err: error }, 'ids cannot be written down: after a restart a retry is sent once more');
    return undefined;
  }
}

function learn(memory: Memory, block: Int32Array, { ageMs, nowMs }: { ageMs: number; nowMs: number }): void {
  for (let at = 0; at < block.length; at += ENTRY_WORDS) {
    const entry = readEntry(block, at);
    if (nowMs - entry.atMs < ageMs) memory.known.add(entry, nowMs);
  }
}
