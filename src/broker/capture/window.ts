/** When a file is full: the first of the two wins. */
export interface WindowLimits {
  readonly intervalMs: number;
  readonly sizeLimitBytes: number;
  /** Whether a window without events leaves no file. */
  readonly skipEmpty: boolean;
}

/** How far a partition is captured: every event below `nextSequence` is in a file. */
export interface CapturePosition {
  readonly nextSequence: number;
  /** When the window that is open now was opened. */
  readonly openedAtMs: number;
  /** The time in the name of the newest file; undefined before the first. */
  readonly lastNamedMs?: number;
}

export interface WindowEvent {
  readonly sequence: number;
  readonly enqueuedAtMs: number;
  readonly bytes: number;
}

/** A window that is closed: the events from `firstSequence` up to, and without, `endSequence`. */
export interface ClosedWindow {
  readonly openedAtMs: number;
  /** The time for its name: when it opened, or a second after the name before, since names have whole seconds. */
  readonly namedMs: number;
  readonly firstSequence: number;
  readonly endSequence: number;
  /** Where the next window begins, once this one is written. */
  readonly next: CapturePosition;
}

const NAME_RESOLUTION_MS = 1000;

/**
 * Cuts the events of one partition into files. Pure: durable events and the time come in, closed windows come out.
 *
 * Windows lie on a grid of whole intervals. One closes when its interval is over, or with the event that fills it; then the
 * next opens at that event's time. Intervals that nobody was there to see (the broker was off, the storage away) are
 * jumped over and leave no empty files.
 */
export function createCaptureWindow(limits: WindowLimits, initial: CapturePosition) {
  const { intervalMs, sizeLimitBytes, skipEmpty } = limits;
  let { nextSequence: firstSequence, openedAtMs, lastNamedMs = Number.NEGATIVE_INFINITY } = initial;
  let endSequence = firstSequence;
  let bytes = 0;

  /** Closes the window; the next one opens at `nextOpenedAtMs`. */
  function close(nextOpenedAtMs: number): ClosedWindow {
    const namedMs = Math.max(openedAtMs, lastNamedMs + NAME_RESOLUTION_MS);
    const next = { nextSequence: endSequence, openedAtMs: nextOpenedAtMs, lastNamedMs: namedMs };
    const closed = { openedAtMs, namedMs, firstSequence, endSequence, next };
    firstSequence = endSequence;
    openedAtMs = nextOpenedAtMs;
    lastNamedMs = namedMs;
    bytes = 0;
    return closed;
  }

  /** Closes the window if its interval is over at `timeMs`. */
  function closeByTime(timeMs: number): ClosedWindow | undefined {
    if (timeMs < openedAtMs + intervalMs) return undefined;
    const nextOpenedAtMs = openedAtMs + intervalMs * Math.floor((timeMs - openedAtMs) / intervalMs);
    if (firstSequence < endSequence || !skipEmpty) return close(nextOpenedAtMs);
    openedAtMs = nextOpenedAtMs;
    return undefined;
  }

  return {
    /**
     * The next event. When it answers a window, the event is in it only if its sequence number is below the window's end;
     * otherwise it has to be offered again.
     */
    offer({ sequence, enqueuedAtMs, bytes: eventBytes }: WindowEvent): ClosedWindow | undefined {
      const closed = closeByTime(enqueuedAtMs);
      if (closed) return closed;
      endSequence = sequence + 1;
      bytes += eventBytes;
      return bytes >= sizeLimitBytes ? close(Math.max(enqueuedAtMs, openedAtMs)) : undefined;
    },

    /** The time, once every event there is was offered. */
    tick: closeByTime,

    /** When `tick` has something to do. */
    dueAtMs: () => openedAtMs + intervalMs,

    /** The event to offer next. */
    nextSequence: () => endSequence,
  };
}
