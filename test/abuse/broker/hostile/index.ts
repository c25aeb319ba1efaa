import {
  endlessDelivery,
  garbage,
  garbageAfterHeader,
  halfOpen,
  malformedFrames,
  oversizedFrames,
  silentStranger,
  unknownPerformatives,
  wrongOrder,
  wrongPassword,
} from './bytes.js';
import { badRequests, badRules, badSelectors, oddTokens, tokenForAnother, wrongTokens } from './claims.js';
import type { Hostile } from './hostile.js';
import {
  brokenSessions,
  ignoresCredit,
  illegalNames,
  leavesInTheMiddle,
  neverSettles,
  noCredit,
  slowReader,
  tooManyLinks,
  waitsForever,
} from './links.js';

/** All that is known of what a client can do to a broker. */
const HOSTILES: Readonly<Record<string, Hostile>> = {
  garbage,
  garbageAfterHeader,
  malformedFrames,
  unknownPerformatives,
  wrongOrder,
  oversizedFrames,
  endlessDelivery,
  halfOpen,
  silentStranger,
  wrongPassword,
  tooManyLinks,
  noCredit,
  neverSettles,
  slowReader,
  waitsForever,
  brokenSessions,
  ignoresCredit,
  illegalNames,
  leavesInTheMiddle,
  wrongTokens,
  oddTokens,
  tokenForAnother,
  badRules,
  badSelectors,
  badRequests,
};

/** How often each comes; those that cost the machine most come seldom. */
const SELDOM = new Set(['tooManyLinks', 'endlessDelivery']);
const OFTEN = 12;

export const DRAWN: readonly (readonly [string, Hostile])[] = Object.entries(HOSTILES).flatMap(([name, hostile]) =>
  Array.from({ length: SELDOM.has(name) ? 1 : OFTEN }, () => [name, hostile] as const),
);
