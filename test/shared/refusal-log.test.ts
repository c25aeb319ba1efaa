import { expect, it } from 'vitest';
import { createRefusalLog } from '../../src/shared/refusal-log.js';

it('a flood of refused connections is told once a minute, with how many are open', () => {
  const told: unknown[] = [];
  let nowMs = 0;
  const refused = createRefusalLog({ now: () => nowMs }, { warn: (facts: unknown) => void told.push(facts) }, 64);
  for (nowMs = 0; nowMs < 150_000; nowMs += 1000) refused();
  expect(told).toEqual([{ connections: 64 }, { connections: 64 }, { connections: 64 }]);
});
