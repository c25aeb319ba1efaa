import type { ConsentChoices } from '../index.js';
import type { Options } from './options.js';

/** What the browser says for its user, wherever they go. */
export interface Signals {
  readonly globalPrivacyControl?: boolean;
  readonly doNotTrack?: string | null;
}

/** `granted` or `denied`, by purpose. */
export type Answers = Readonly<Record<string, string>>;

/** What cannot be understood is never a yes; the gateway would refuse the event. As text, which is what is stored. */
export function withChoices(answers: Answers, choices: ConsentChoices): string {
  const all = new URLSearchParams(answers);
  for (const purpose in choices)
    all.set(purpose, /^(true|granted)$/.test(choices[purpose] as string) ? 'granted' : 'denied');
  return `${all}`;
}

/**
 * Whether the visitor may be measured; undefined when they have still to be asked. A signal that the site honours weighs
 * more than any answer, as it does in the gateway.
 */
export function verdictOf(answers: Answers, options: Options, signals: Signals): boolean | undefined {
  const answer = answers[options.purpose || 'analytics'];
  if (options.signals && (signals.globalPrivacyControl || signals.doNotTrack === '1')) return false;
  return answer ? answer === 'granted' : !options.consent || undefined;
}
