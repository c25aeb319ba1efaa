import type { SavedSessions } from '../windows/sessions.js';
import type { PartSave } from './part-save.js';

/** A save that is under way. The state may go on to change once it is copied. */
export interface StateSave<Saved> {
  /** Copies or encodes a further part, some milliseconds of work; false when nothing is left. */
  next(): boolean;
  /** Copies at once what is not copied yet. */
  copy(): void;
  /** The state as it was when the save began; what is left of it is copied and encoded first. */
  finish(): Saved;
}

interface SavedParts {
  readonly visitors: Buffer;
  readonly sessions: SavedSessions;
}

/** What takes long to copy: each part begins its own save with that. */
interface LargeParts {
  readonly visitors: () => PartSave;
  readonly sessions: () => PartSave<SavedSessions>;
}

/** Visitors, or keys of sessions, that a save encodes at a time. */
const ENTRIES_PER_PART = 2_000;

/** @param onCopied called when everything is copied */
export function createStateSave<Small>(
  small: Small,
  large: LargeParts,
  onCopied: () => void,
): StateSave<Small & SavedParts> {
  let visitors: PartSave | undefined;
  let sessions: PartSave<SavedSessions> | undefined;
  const copySessions = () => {
    sessions = large.sessions();
    onCopied();
    return sessions;
  };
  const copied = () => {
    visitors ??= large.visitors();
    return { visitors, sessions: sessions ?? copySessions() };
  };
  return {
    next() {
      if (visitors === undefined) visitors = large.visitors();
      else if (sessions === undefined) copySessions();
      else return visitors.next(ENTRIES_PER_PART) || sessions.next(ENTRIES_PER_PART);
      return true;
    },
    copy: () => void copied(),
    finish() {
      const parts = copied();
      return { ...small, visitors: parts.visitors.finish(), sessions: parts.sessions.finish() };
    },
  };
}
