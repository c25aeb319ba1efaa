/** Names of the running totals; `late:<metric>` and `other:…` follow the same pattern. */
export const totalNames = {
  /** Events that went into the figures. */
  counted: 'counted',
  /** Events whose id was seen shortly before. */
  duplicate: 'duplicate',
  /** Elements of a hub event, or whole hub events, that are no Penstock events. */
  malformed: 'malformed',
  /** Events beyond the allowed lateness. */
  late: 'late',
  /** The same by how late they were: `late_by:2h` came up to 2 hours behind the watermark. */
  lateBy: 'late_by',
  /** Events that a metric could not look at, since its code threw: `failed:<metric>`. They are in every other figure. */
  failed: 'failed',
  /** Events of visitors beyond the number whose sessions are kept; they are in every other figure. */
  withoutSession: 'without_session',
  /** Events of visitors beyond the number that are followed in a behaviour: they lead to no offer. */
  unfollowed: 'unfollowed',
  /** Events out of order that moved the start of a session or made two of them one: a shown figure may have gone down. */
  revised: 'revised_sessions',
} as const;
