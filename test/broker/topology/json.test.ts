import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lookUp, parseJsonWithComments, pathTo } from '../../../src/broker/topology/json.js';

describe('parseJsonWithComments', () => {
  it('skips comments of both kinds, and a byte order mark', () => {
    expect(parseJsonWithComments('\uFEFF// head\n{ "a": 1, /* b\n c */ "d": [2] } // tail')).toEqual({ a: 1, d: [2] });
  });

  it('leaves what only looks like a comment inside strings', () => {
    expect(parseJsonWithComments('{ "url": "https://x/*y*/", "q": "\\"// no" }')).toEqual({
      url: 'https://x/*y*/',
      q: '"// no',
    });
  });

  it('reads everything that JSON.parse reads', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(parseJsonWithComments(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  it.each(['{', '{ "a": 1, }', '/* no end', '"no end', ''])('refuses %j with a typed error', (text) => {
    expect(() => parseJsonWithComments(text)).toThrow(expect.objectContaining({ code: 'PS_TOPOLOGY_UNREADABLE' }));
  });
});

describe('names and paths', () => {
  it('are found whatever their case, own properties only', () => {
    expect(lookUp({ topicName: 'a' }, 'TOPICNAME')).toBe('a');
    expect(lookUp({}, 'constructor')).toBeUndefined();
    expect(lookUp({}, '__proto__')).toBeUndefined();
  });

  it('are written as one would type them', () => {
    expect(pathTo(pathTo('$', 'resources'), 3)).toBe('$.resources[3]');
    expect(pathTo('$', 'odd name')).toBe("$['odd name']");
  });
});
