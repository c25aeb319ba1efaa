import type { PartitionPosition } from '../../messaging/index.js';
import { type CancelTimer, type Clock, msUntil } from '../../shared/clock.js';
import { messageOf } from '../../shared/errors.js';
import type { Logger } from '../../shared/logger.js';
import type { PartitionState } from '../state/partition.js';
import type { SavedState } from '../state/saved.js';
import { createSavePace, type SavePaceOptions } from './save-pace.js';
import type { Showing } from './showing.js';
import type { Tenure } from './tenure.js';

export interface SavingDeps {
  readonly partitionId: string;
  readonly state: PartitionState;
  readonly showing: Pick<Showing, 'isComplete' | 'flushOrRetry'>;
  /** Writes the state; called with no other save of this partition in progress. */
  readonly save: (state: SavedState) => Promise<void>;
  readonly checkpoint: (position: PartitionPosition) => Promise<void>;
  readonly tenure: Tenure;
  /** Called when the state was saved, or could not be. */
  readonly onChange: () => void;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
}

/** The saved state of a partition, and the checkpoint behind it. */
export interface Saving {
  readonly savedAtMs: number | undefined;
  /** Why the state could not be saved when that was tried last. */
  readonly unsaved: string | undefined;
  /** Saves in a while. */
  schedule(): void;
  /** The last save, behind one that is under way. Never rejects. */
  saveLast(): Promise<void>;
  /** The last checkpoint, behind one that is under way. Never rejects. */
  checkpointLast(): Promise<void>;
}

export function createSaving(deps: SavingDeps, options: SavePaceOptions): Saving {
  const { partitionId, state, showing, tenure, clock, logger } = deps;
  const pace = createSavePace(options, deps.random);
  let saving: Promise<void> | undefined;
  let checkpointing: Promise<unknown> | undefined;
  let cancelSave: CancelTimer | undefined;
  let nextSaveMs = clock.now() + options.snapshotIntervalMs;
  let savedAtMs: number | undefined;
  let unsaved: string | undefined;
  let savedPosition: PartitionPosition | undefined = state.position;
  let checkpointed: number | undefined;

  /** Whether the step was done. */
  const attempt = (step: () => Promise<void>): Promise<boolean> =>
    step().then(
      () => true,
      (error: unknown) => {
        if (!tenure.isLoss(error))
          logger.warn({ partitionId, err: messageOf(error) }, 'the state could not be saved; trying again');
        return false;
      },
    );
  const isSaved = () => state.position?.sequenceNumber === savedPosition?.sequenceNumber;
  const saveState = async () => {
    if (isSaved()) return;
    const saved = state.save();
    try {
      await deps.save(saved);
    } catch (error) {
      unsaved = messageOf(error);
      deps.onChange();
      throw error;
    }
    unsaved = undefined;
    savedPosition = saved.position;
    savedAtMs = clock.now();
    deps.onChange();
  };
  /** Who goes by the checkpoint finds all before it in the saved state, and in the figures. */
  const checkpointOnce = async () => {
    const position = savedPosition;
    if (position === undefined || position.sequenceNumber === checkpointed) return;
    const isShown = () => showing.isComplete(position.sequenceNumber);
    // A flush that is under way may have begun before.
    for (let flushes = 0; flushes < 2 && !tenure.closed && !isShown(); flushes++) await showing.flushOrRetry();
    if (tenure.refusal !== undefined || !isShown()) return;
    await deps.checkpoint(position);
    checkpointed = position.sequenceNumber;
  };
  const saveOnce = async () => {
    if (tenure.refusal !== undefined || tenure.torn || state.position === undefined) return;
    const startMs = clock.now();
    const isDone = await attempt(saveState);
    nextSaveMs = clock.now() + (isDone ? pace.saved(clock.now() - startMs) : pace.failed());
  };
  const save = (): Promise<void> => {
    cancelSave?.();
    cancelSave = undefined;
    saving ??= saveOnce().finally(() => {
      saving = undefined;
      // It failed, or more came meanwhile. A checkpoint may wait for Redis, which this does not.
      if (!isSaved()) schedule();
      void checkpoint();
    });
    return saving;
  };
  /** Apart from saving, which does not wait for Redis. */
  const checkpoint = (): Promise<unknown> => {
    checkpointing ??= attempt(checkpointOnce).finally(() => {
      checkpointing = undefined;
      if (state.position?.sequenceNumber !== checkpointed) schedule();
    });
    return checkpointing;
  };
  const schedule = () => {
    if (tenure.closed || tenure.torn || tenure.refusal !== undefined) return;
    if (saving !== undefined || cancelSave !== undefined) return;
    cancelSave = clock.setTimer(() => void save(), msUntil(clock, nextSaveMs, pace.longestMs));
  };
  return {
    get savedAtMs() {
      return savedAtMs;
    },
    get unsaved() {
      return unsaved;
    },
    schedule,
    async saveLast() {
      await saving;
      await save();
    },
    async checkpointLast() {
      await checkpointing;
      await checkpoint();
    },
  };
}
