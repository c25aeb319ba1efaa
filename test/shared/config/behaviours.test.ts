import { readFileSync } from 'node:fs';
import { describe, expect, it, test } from 'vitest';
import { ConfigError, loadConfig } from '../../../src/shared/config/index.js';

const load = (...behaviours: unknown[]) => loadConfig({ env: { PENSTOCK_BEHAVIOURS: JSON.stringify(behaviours) } });

const sound = {
  name: 'cart',
  windowMs: 60_000,
  states: ['start', 'carted'],
  transitions: [
    { from: 'start', to: 'carted', when: [{ type: 'add_to_cart' }], remember: { item: 'item_id' } },
    { from: 'carted', to: 'start', when: [{ property: 'item_id', sameAs: 'item' }], offer: { name: 'gift' } },
  ],
};
const [first, second] = sound.transitions;

test('the behaviour that ships with Penstock is the one that the documentation shows', () => {
  const documented = /```json\n([\s\S]*?)```/.exec(readFileSync('docs/behaviours.md', 'utf8'))?.[1] ?? '';
  const shipped = loadConfig({ env: {} }).behaviours;
  expect(load(JSON.parse(documented)).behaviours).toEqual(shipped);
  expect(load().behaviours).toEqual([]);
});

describe('a behaviour is refused, and what is wrong is named, when', () => {
  const failure = (...behaviours: unknown[]): string => {
    try {
      load(...behaviours);
    } catch (error) {
      if (error instanceof ConfigError) return error.message;
      throw error;
    }
    return '';
  };
  const when = (condition: object) => ({ ...sound, transitions: [{ ...first, when: [condition] }, second] });

  it.each([
    ['its window is longer than offers may be told apart', { ...sound, windowMs: 4 * 3_600_000 + 1 }, 'windowMs'],
    ['a state stands twice', { ...sound, states: ['start', 'start', 'carted'] }, 'a state stands twice'],
    ['a transition leads nowhere', { ...sound, states: ['start'] }, '"carted" is none of the states'],
    ['nothing leads on from the first state', { ...sound, transitions: [second] }, 'no transition from "start"'],
    [
      'no path leads to a state',
      { ...sound, states: ['start', 'carted', 'lost'] },
      'states.2: no path leads to "lost"',
    ],
    [
      'a transition is never taken, since another is',
      { ...sound, transitions: [first, second, { ...second, to: 'carted' }] },
      'transitions.2.when: as that of transition 1',
    ],
    ['nothing is remembered', { ...sound, transitions: [{ ...first, remember: {} }, second] }, 'remembers "item"'],
    ['a condition has no operator', when({ property: 'price' }), 'one operator'],
    ['a condition has two operators', when({ property: 'price', above: 1, below: 2 }), 'one operator'],
    ['a condition is about two things', when({ type: 'click', property: 'price', above: 1 }), 'one of "type"'],
    ['a condition is about nothing', when({ equals: 'x' }), 'one of "type"'],
    ['a type has an operator', when({ type: 'click', equals: 'x' }), 'one operator'],
    ['"not" has company', when({ type: 'click', not: { type: 'click' } }), '"not" alone'],
    ['"not" has nothing to deny', when({ not: {} }), 'one of "type"'],
    ['an operator is not known', when({ property: 'price', matches: '(a+)+' }), 'matches'],
    ['a transition has no condition', { ...sound, transitions: [{ ...first, when: [] }, second] }, 'when'],
  ])('%s', (_what, behaviour, told) => {
    expect(failure(sound)).toBe('');
    const message = failure(behaviour);
    expect(message).toContain('behaviours.0');
    expect(message).toContain(told);
  });

  it('another has the same name', () => {
    expect(failure(sound, sound)).toContain('two have the same name');
  });
});
