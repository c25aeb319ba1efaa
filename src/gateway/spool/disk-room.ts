import type { Clock } from '../../shared/clock.js';
import type { Logger } from '../../shared/logger.js';
import { createRoom } from '../../shared/room.js';
import type { SpoolStore } from './store.js';

export interface DiskRoomDeps {
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'error' | 'info'>;
  /** The store, as it is open now. */
  readonly store: () => Pick<SpoolStore, 'space' | 'compact'>;
}

/**
 * Whether the disk has room for more: the rest is for emptying the spool, since LevelDB writes to remove as well. Once it
 * is empty it is made to give back what was removed, which it otherwise does in its own time, or never. Not before: to
 * write anew what is left takes room itself.
 */
export function createDiskRoom({ clock, logger, store }: DiskRoomDeps) {
  const room = createRoom({
    clock,
    measure: () => store().space(),
    onChange(low, { freeBytes }) {
      if (low) logger.error({ freeBytes }, 'the disk of the spool is nearly full: it takes nothing more');
      else logger.info({ freeBytes }, 'the disk of the spool has room again');
    },
    // Whatever keeps it from telling, what is written will fail of it.
    onError() {},
  });
  return {
    isLow: room.isLow,
    written: room.written,
    /** Nothing is in the spool any more. */
    emptied(): void {
      // What fails here fails the next write too.
      if (room.isLow())
        store()
          .compact()
          .catch(() => {});
    },
    start: room.start,
    stop: room.stop,
  };
}
