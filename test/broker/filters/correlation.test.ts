import { describe, expect, it } from 'vitest';
import { compileFilter } from '../../../src/broker/filters/index.js';
import { message } from './message.js';

describe('a correlation filter', () => {
  const correlation = (filter: object, user = {}, system = {}) =>
    compileFilter({ kind: 'correlation', correlation: filter })(message(user, system));

  it('matches when all that it gives is equal', () => {
    const filter = { subject: 'order', correlationId: 'c', properties: { country: 'SE' } };
    const system = { Subject: 'order', CorrelationId: 'c' };
    expect(correlation(filter, { country: 'SE' }, system)).toBe(true);
    expect(correlation(filter, { country: 'NO' }, system)).toBe(false);
    expect(correlation(filter, {}, system)).toBe(false);
    expect(correlation(filter, { country: 'SE' }, { Subject: 'order' })).toBe(false);
  });

  it.each([
    ['correlationId', 'CorrelationId'],
    ['messageId', 'MessageId'],
    ['to', 'To'],
    ['replyTo', 'ReplyTo'],
    ['subject', 'Subject'],
    ['sessionId', 'SessionId'],
    ['replyToSessionId', 'ReplyToSessionId'],
    ['contentType', 'ContentType'],
  ])('compares %s, in its case', (field, name) => {
    expect(correlation({ [field]: 'Value' }, {}, { [name]: 'Value' })).toBe(true);
    expect(correlation({ [field]: 'Value' }, {}, { [name]: 'value' })).toBe(false);
    expect(correlation({ [field]: 'Value' })).toBe(false);
  });

  it('finds properties whatever the case of their names, and compares numbers by worth', () => {
    expect(correlation({ properties: { Score: 1 } }, { score: 1n })).toBe(true);
    expect(correlation({ properties: { Score: 1 } }, { score: '1' })).toBe(false);
    expect(correlation({ properties: { on: true } }, { on: true })).toBe(true);
  });
});
