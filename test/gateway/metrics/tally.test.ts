import { expect, test } from 'vitest';
import { reject } from '../../../src/events/index.js';
import { createTally } from '../../../src/gateway/metrics/tally.js';
import { NOTHING_SENT } from '../../../src/gateway/publish/ticket.js';

test('every event of a request is counted once, by what was answered for it', () => {
  const tally = createTally();
  tally.add(
    [
      '"a"',
      '"b"',
      '"c"',
      { kind: 'repeated', idJson: '"a"', of: 0 },
      { kind: 'known', idJson: '"a"' },
      { kind: 'rejected', idJson: 'null', rejection: reject('required', '/type') },
    ],
    { ...NOTHING_SENT, failures: new Map([[1, 'overloaded']]), spooled: new Set([2]) },
  );
  tally.add(['"d"', '"e"'], { ...NOTHING_SENT, known: new Set([1]) });
  expect(Object.fromEntries(tally.counts())).toEqual({
    'accepted broker': 2,
    'accepted spool': 1,
    'rejected overloaded': 1,
    'duplicate same_request': 1,
    'duplicate known': 2,
    'rejected required': 1,
  });
});
