import { describe, expect, it } from 'vitest';
import { compileFilter } from '../../../src/broker/filters/index.js';
import { message } from './message.js';

describe('the rule of the retention campaign', () => {
  const matches = compileFilter({ kind: 'sql', expression: "type = 'churn_scored' AND churnScore >= 0.7" });
  const scored = (churnScore: number | bigint | string) => matches(message({ type: 'churn_scored', churnScore }));

  it('takes scores of 0.7 and more, whatever AMQP number they came as', () => {
    expect([scored(0.7), scored(0.70001), scored(1), scored(1n), scored(2n)]).toEqual([true, true, true, true, true]);
  });

  it('leaves lower scores, scores that are text, and messages without a score', () => {
    expect([scored(0.69), scored(0n), scored('0.9'), scored(Number.NaN)]).toEqual([false, false, false, false]);
    expect(matches(message({ type: 'churn_scored' }))).toBe(false);
  });

  it('leaves other events, and compares types in their case', () => {
    expect(matches(message({ type: 'purchase', churnScore: 0.9 }))).toBe(false);
    expect(matches(message({ type: 'Churn_Scored', churnScore: 0.9 }))).toBe(false);
  });

  it('finds properties whatever the case of their names', () => {
    expect(matches(message({ TYPE: 'churn_scored', ChurnScore: 0.9 }))).toBe(true);
  });
});
