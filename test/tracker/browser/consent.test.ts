import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readConsent } from '../../../src/events/consent.js';
import { type Answers, verdictOf, withChoices } from '../../../src/tracker/browser/consent.js';
import { fieldsOf } from '../../../src/tracker/browser/storage.js';
import type { ConsentChoices } from '../../../src/tracker/index.js';

const answersOf = (...said: ConsentChoices[]) =>
  said.reduce<Answers>((before, choices) => fieldsOf(withChoices(before, choices)) as Answers, {});

describe('what a visitor agreed to', () => {
  it('is kept by purpose, and the latest answer to each counts', () => {
    expect(answersOf({ analytics: 'granted', marketing: false }, { marketing: true }, { ads: 'denied' })).toEqual({
      analytics: 'granted',
      marketing: 'granted',
      ads: 'denied',
    });
  });

  it('is never a yes when it is not plainly one', () => {
    for (const answer of ['yes', 'GRANTED', 1, null, undefined, {}, 'granted ']) {
      expect(answersOf({ analytics: answer as boolean })).toEqual({ analytics: 'denied' });
    }
  });

  it('is understood by the gateway, for any purpose and answer', () => {
    // The gateway refuses names that objects have by themselves, and `prototype`.
    const isName = (purpose: string) => !(purpose in {}) && purpose !== 'prototype';
    const purposes = fc.string({ minLength: 1, maxLength: 20 }).filter(isName);
    const choices = fc.dictionary(purposes, fc.oneof(fc.boolean(), fc.string()));
    fc.assert(
      fc.property(choices, (said) => {
        const answers = answersOf(said as ConsentChoices);
        const yes = (answer: unknown) => answer === true || answer === 'granted' || answer === 'true';
        expect(readConsent(answers)).toEqual(
          Object.fromEntries(Object.entries(said).map(([purpose, answer]) => [purpose, yes(answer)])),
        );
      }),
    );
  });
});

describe('whether a visitor may be measured', () => {
  const browsers = {
    none: {},
    gpc: { globalPrivacyControl: true },
    dnt: { doNotTrack: '1' },
    not: { doNotTrack: '0' },
  };

  it('is so until refused, by default', () => {
    expect(verdictOf({}, {}, {})).toBe(true);
    expect(verdictOf({ analytics: 'denied' }, {}, {})).toBe(false);
    expect(verdictOf({ marketing: 'denied' }, {}, {})).toBe(true);
  });

  it('is open until answered where consent is required', () => {
    const options = { consent: 'required' } as const;
    expect(verdictOf({}, options, {})).toBeUndefined();
    expect(verdictOf({ marketing: 'granted' }, options, {})).toBeUndefined();
    expect(verdictOf({ analytics: 'granted' }, options, {})).toBe(true);
    expect(verdictOf({ analytics: 'denied' }, options, {})).toBe(false);
  });

  it('is asked for the purpose that the site names', () => {
    const options = { consent: 'required', purpose: 'statistics' } as const;
    expect(verdictOf({ analytics: 'granted' }, options, {})).toBeUndefined();
    expect(verdictOf({ statistics: 'granted' }, options, {})).toBe(true);
  });

  it('is refused by a signal that the site honours, whatever the visitor answered', () => {
    const answers = { analytics: 'granted' };
    const verdicts = Object.values(browsers).map((signals) => [
      verdictOf(answers, { signals: 'honour' }, signals),
      verdictOf(answers, {}, signals),
    ]);
    expect(verdicts).toEqual([
      [true, true],
      [false, true],
      [false, true],
      [true, true],
    ]);
  });

  it('is not so with an answer that somebody else has put into the storage', () => {
    expect(verdictOf({ analytics: 'perhaps' }, {}, {})).toBe(false);
  });
});
