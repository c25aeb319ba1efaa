import type { Clock } from '../../shared/clock.js';

/** Whether anybody uses an entity, for `AutoDeleteOnIdle`. */
export interface Usage {
  /** Something was done with it. */
  touch(): void;
  /** Somebody is there, until the answered function is called: a link. */
  hold(): () => void;
  /** For how long nobody has used it; 0 while somebody is there. */
  idleMs(): number;
}

/** Begins with the start of the broker: that it was off is nobody's idleness. */
export function createUsage(clock: Clock): Usage {
  let usedAtMs = clock.now();
  let holders = 0;
  const touch = () => {
    usedAtMs = clock.now();
  };
  return {
    touch,
    hold() {
      holders++;
      let held = true;
      return () => {
        if (!held) return;
        held = false;
        holders--;
        touch();
      };
    },
    idleMs: () => (holders > 0 ? 0 : clock.now() - usedAtMs),
  };
}
