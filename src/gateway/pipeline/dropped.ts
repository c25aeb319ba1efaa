/** Why a sound event was not kept, as the policy of its source has it. The list is closed; docs list it. */
export type DropReason =
  /** The user agent is that of a known bot. */
  | 'bot'
  /** The browser asks by Global Privacy Control, or by Do Not Track, not to be followed. */
  | 'gpc'
  | 'dnt'
  /** The visitor refused a purpose that the source needs, or has not been asked. */
  | 'consent'
  /** The user or visitor is on the erase list. */
  | 'erased'
  /** The source has had its events of today. */
  | 'quota'
  /** The visitor sends more than one partition should bear. */
  | 'hot_visitor'
  /** The shop says of the order that it is a test. */
  | 'test_order';

/** A class, to tell it from events and rejections. */
export class Dropped {
  readonly reason: DropReason;

  constructor(reason: DropReason) {
    this.reason = reason;
  }
}
