import type { Consent, NormalisedEvent } from '../../events/index.js';

/** What is done with an event: kept as it is, kept without what tells who sent it, or not kept. */
export type PrivacyAction = 'keep' | 'strip' | 'drop';

/** What a browser says of its user's wish in each request. */
export interface OptOutSignals {
  /** `Sec-GPC: 1` (Global Privacy Control). */
  readonly gpc: boolean;
  /** `DNT: 1`. */
  readonly dnt: boolean;
}

export interface ConsentOptions {
  readonly gpc?: PrivacyAction | undefined;
  readonly dnt?: PrivacyAction | undefined;
  readonly consent?:
    | {
        /** All of them have to be agreed to. */
        readonly purposes: readonly string[];
        readonly denied?: PrivacyAction | undefined;
        readonly missing?: PrivacyAction | undefined;
      }
    | undefined;
  /** Types that are kept whatever the visitor said, such as the order that a contract rests on. */
  readonly except?: readonly string[] | undefined;
}

/** A decision and what it rests on. */
export interface ConsentVerdict {
  readonly action: PrivacyAction;
  readonly because: 'gpc' | 'dnt' | 'consent' | undefined;
}

const KEEP: ConsentVerdict = { action: 'keep', because: undefined };
const STRENGTH: Readonly<Record<PrivacyAction, number>> = { keep: 0, strip: 1, drop: 2 };

/** The strictest of two decisions; of equals the first. */
export function stricter(a: ConsentVerdict, b: ConsentVerdict): ConsentVerdict {
  return STRENGTH[b.action] > STRENGTH[a.action] ? b : a;
}

/** What a browser's own signals ask for, as the policy of the source has it. */
export function judgeSignals(signals: OptOutSignals, options: ConsentOptions): ConsentVerdict {
  const gpc: ConsentVerdict = signals.gpc ? { action: options.gpc ?? 'keep', because: 'gpc' } : KEEP;
  const dnt: ConsentVerdict = signals.dnt ? { action: options.dnt ?? 'keep', because: 'dnt' } : KEEP;
  return stricter(gpc, dnt);
}

/** What the consent that came with an event asks for. A purpose that was refused weighs more than one left open. */
export function judgeConsent(consent: Consent | undefined, options: ConsentOptions['consent']): ConsentVerdict {
  if (options === undefined) return KEEP;
  const answers = options.purposes.map((purpose) =>
    consent !== undefined && Object.hasOwn(consent, purpose) ? consent[purpose] : undefined,
  );
  if (answers.includes(false)) return { action: options.denied ?? 'drop', because: 'consent' };
  if (answers.includes(undefined)) return { action: options.missing ?? 'keep', because: 'consent' };
  return KEEP;
}

/** The event without what tells who sent it: no visitor, user or session, and no address. Its own id stays. */
export function stripIdentity(event: NormalisedEvent): NormalisedEvent {
  return { ...event, anonymousId: undefined, userId: undefined, sessionId: undefined };
}
