import type { Clock } from '../shared/clock.js';
import { messageOf } from '../shared/errors.js';
import type { Format, FormatOptions } from './entry.js';
import { ImportError } from './errors.js';
import { createPacer, type Pace } from './pacer.js';
import type { Poster } from './poster.js';
import { createSender } from './sender.js';
import type { Source } from './source.js';
import { createTally, type Rejection, type Tally, type TallyKeeper } from './tally.js';

export interface ImportDeps {
  readonly clock: Clock;
  readonly poster: Poster;
  /** Called after every line, so what it does must be cheap. */
  readonly onProgress?: (progress: ImportProgress) => void;
}

export interface ImportOptions {
  readonly format: Format;
  readonly formatOptions: FormatOptions;
  readonly batchSize: number;
  readonly pace: Pace;
  /** Add one constant to every time, such that the newest event of the file happens now. */
  readonly shiftToNow: boolean;
}

/** How far a pass is, as of the moment of looking. */
export interface ImportProgress {
  /** `measuring` is the first pass of a shift, which looks for the newest event. */
  readonly phase: 'measuring' | 'posting';
  readonly unit: string;
  readonly readBytes: number;
  /** Unknown for a stream. */
  readonly totalBytes?: number;
  readonly tally: Tally;
}

export interface ImportReport extends Tally {
  readonly source: string;
  readonly format: string;
  readonly unit: Format['unit'];
  /** `complete`: every line of the input is accounted for. */
  readonly end: 'complete' | 'interrupted' | 'failed';
  readonly failure?: { readonly code: string; readonly message: string };
  /** What was added to every time, in milliseconds. */
  readonly shiftMs: number;
  readonly durationMs: number;
  readonly requests: number;
  readonly repeatedRequests: number;
  /** The first rejected lines. */
  readonly rejections: readonly Rejection[];
}

/**
 * Reads the source and posts its events. Ends when all is read, when sending failed for good or when the signal is
 * aborted, and then reports what became of every line read so far.
 *
 * @throws ImportError PS_IMPORT_OPTIONS when the options do not go together.
 */
export async function runImport(
  deps: ImportDeps,
  source: Source,
  options: ImportOptions,
  signal: AbortSignal,
): Promise<ImportReport> {
  if (options.shiftToNow && !source.rereadable) {
    throw new ImportError(
      'PS_IMPORT_OPTIONS',
      `--shift-to-now reads the input twice, which ${source.name} does not allow: save it to a file first`,
    );
  }
  const pacer = createPacer(options.pace);
  const startMs = deps.clock.now();
  const tally = createTally();
  let shiftMs = 0;
  let failure: ImportError | undefined;
  try {
    if (options.shiftToNow) shiftMs = await measureShift(deps, source, options, signal);
    failure = await postAll({ ...deps, tally, pacer }, source, { ...options, shiftMs, signal });
  } catch (error) {
    if (error instanceof ImportError) failure = error;
    // A stop may close a stream under its reader.
    else if (!signal.aborted) failure = unreadable(source, error);
  }
  return {
    source: source.name,
    format: options.format.name,
    unit: options.format.unit,
    end: failure ? 'failed' : signal.aborted ? 'interrupted' : 'complete',
    ...(failure && { failure: { code: failure.code, message: failure.message } }),
    shiftMs,
    durationMs: deps.clock.now() - startMs,
    requests: deps.poster.counts.requests,
    repeatedRequests: deps.poster.counts.repeated,
    ...tally.current,
    rejections: tally.rejections,
  };
}

const unreadable = (source: Source, cause: unknown) =>
  new ImportError('PS_IMPORT_UNREADABLE', `${source.name} cannot be read to its end: ${messageOf(cause)}`, { cause });

async function measureShift(deps: ImportDeps, source: Source, options: ImportOptions, signal: AbortSignal) {
  let newestMs = Number.NEGATIVE_INFINITY;
  const pass = openPass(source, options, 'measuring', createTally());
  for await (const entry of pass.entries) {
    if (entry.kind === 'event') newestMs = Math.max(newestMs, entry.timeMs);
    deps.onProgress?.(pass.progress);
    if (signal.aborted) break;
  }
  return Number.isFinite(newestMs) ? deps.clock.now() - newestMs : 0;
}

type PostingDeps = ImportDeps & {
  readonly tally: TallyKeeper;
  readonly pacer: ReturnType<typeof createPacer>;
};
type PostingOptions = ImportOptions & { readonly shiftMs: number; readonly signal: AbortSignal };

/** Returns why sending ended early, if it did. Throws what reading throws, after everything read has been sent. */
async function postAll(deps: PostingDeps, source: Source, options: PostingOptions): Promise<ImportError | undefined> {
  const { clock, tally, pacer } = deps;
  const { signal } = options;
  const sender = createSender(deps, options);
  const startMs = clock.now();
  let events = 0;
  try {
    const pass = openPass(source, options, 'posting', tally);
    for await (const entry of pass.entries) {
      if (entry.kind !== 'event') tally.count(entry.line, entry);
      else await sender.add(entry, startMs + pacer(events++, entry.timeMs));
      deps.onProgress?.(pass.progress);
      if (signal.aborted || sender.failure) break;
    }
  } finally {
    await sender.drain();
  }
  return sender.failure;
}

/** One reading of the source, and how far it is. */
function openPass(source: Source, options: ImportOptions, phase: ImportProgress['phase'], tally: TallyKeeper) {
  let readBytes = 0;
  const opened = source.open((bytes) => {
    readBytes += bytes;
  });
  const progress: ImportProgress = {
    phase,
    unit: options.format.unit,
    ...(source.totalBytes !== undefined && { totalBytes: source.totalBytes }),
    get readBytes() {
      return readBytes;
    },
    get tally() {
      return tally.current;
    },
  };
  return { entries: options.format.read(opened, options.formatOptions), progress };
}
