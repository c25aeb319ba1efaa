import { describe, expect, it } from 'vitest';
import { ConsumeError, toConsumeError } from '../../src/messaging/consume-errors.js';

const sdkError = (code: string) => Object.assign(new Error(code), { code });

describe('what an SDK throws at who reads, in our terms', () => {
  it.each([
    ['MessagingEntityNotFoundError', 'PS_CONSUME_REFUSED'],
    ['AuthenticationFailed', 'PS_CONSUME_REFUSED'],
    ['ReceiverDisconnectedError', 'PS_CONSUME_LOST'],
    ['ServiceUnavailableError', 'PS_CONSUME_UNAVAILABLE'],
    ['constructor', 'PS_CONSUME_UNAVAILABLE'],
  ])('%s is %s', (code, ours) => {
    expect(toConsumeError(sdkError(code), 'partition 0').code).toBe(ours);
  });

  it('a link that another reader took while it was opened, which AMQP alone tells of, is a partition that is lost', () => {
    const stolen = { condition: 'amqp:link:stolen', description: "New receiver 'b' is created" };
    const error = toConsumeError(stolen, 'partition 0');
    expect(error.code).toBe('PS_CONSUME_LOST');
    expect(error.message).toBe("partition 0: New receiver 'b' is created");
  });

  it('of an answer without a text the status is told', () => {
    const error = toConsumeError(Object.assign(new Error(''), { statusCode: 503 }), 'blob a');
    expect(error.message).toBe('blob a: HTTP status 503');
  });

  it.each([undefined, null, 'text', new AggregateError([])])('anything else may pass by itself: %s', (thrown) => {
    expect(toConsumeError(thrown, 'x').code).toBe('PS_CONSUME_UNAVAILABLE');
  });

  it('what is ours already stays as it is', () => {
    const error = new ConsumeError('PS_CONSUME_REFUSED', 'refused');
    expect(toConsumeError(error, 'x')).toBe(error);
  });
});
