import { describe, expect, it } from 'vitest';
import { AggregatorError } from '../../src/aggregators/errors.js';
import { createHubTroubleLog } from '../../src/cli/hub-trouble.js';
import { ConsumeError } from '../../src/messaging/consume-errors.js';

function createLog() {
  const lines: { level: string; err: string; partitionId?: string }[] = [];
  const write = (level: string) => (facts: object) => void lines.push({ level, ...(facts as { err: string }) });
  const clock = { nowMs: 0, now: () => clock.nowMs };
  return { lines, clock, tell: createHubTroubleLog(clock, { info: write('info'), warn: write('warn') }) };
}

const away = (text: string) => new ConsumeError('PS_CONSUME_UNAVAILABLE', text);

describe('what the log says of a hub that is not read', () => {
  it('a partition that goes to another process is no warning, however its former reader learns of it', () => {
    const { lines, tell } = createLog();
    const fenced = new AggregatorError('PS_PARTITION_FENCED', 'partition 1: owner 1 was followed by owner 2');
    tell(new ConsumeError('PS_CONSUME_LOST', 'partition 0: stolen'), '0');
    tell(new ConsumeError('PS_CONSUME_UNAVAILABLE', 'partition 1: followed', { cause: fenced }), '1');
    expect(lines).toEqual([
      { level: 'info', partitionId: '0', err: 'partition 0: stolen' },
      { level: 'info', partitionId: '1', err: 'partition 1: followed' },
    ]);
  });

  it('a trouble that lasts is told at once and then once a minute, each partition and each trouble for itself', () => {
    const { lines, clock, tell } = createLog();
    for (clock.nowMs = 0; clock.nowMs < 90_000; clock.nowMs += 1_000) {
      tell(away('connect ECONNREFUSED'), '');
      tell(away('connect ECONNREFUSED'), '2');
    }
    tell(away('The token has an invalid signature.'), '2');
    expect(lines).toEqual([
      { level: 'warn', err: 'connect ECONNREFUSED' },
      { level: 'warn', err: 'connect ECONNREFUSED', partitionId: '2' },
      { level: 'warn', err: 'connect ECONNREFUSED' },
      { level: 'warn', err: 'connect ECONNREFUSED', partitionId: '2' },
      { level: 'warn', err: 'The token has an invalid signature.', partitionId: '2' },
    ]);
  });

  it('a clock that is set back keeps no trouble from being told', () => {
    const { lines, clock, tell } = createLog();
    tell(away('away'), '0');
    clock.nowMs = -3_600_000;
    tell(away('away'), '0');
    expect(lines).toHaveLength(2);
  });
});
