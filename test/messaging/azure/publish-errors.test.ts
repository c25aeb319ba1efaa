import { describe, expect, it } from 'vitest';
import { toPublishError } from '../../../src/messaging/azure/publish-errors.js';
import { PublishError } from '../../../src/messaging/index.js';

const sdkError = (code: string) => Object.assign(new Error(code), { code });

describe('what an SDK throws, in our terms', () => {
  it.each([
    ['MessageTooLargeError', 'PS_PUBLISH_TOO_LARGE'],
    ['MessageSizeExceeded', 'PS_PUBLISH_TOO_LARGE'],
    ['OperationTimeoutError', 'PS_PUBLISH_TIMEOUT'],
    ['ServiceTimeout', 'PS_PUBLISH_TIMEOUT'],
    ['ServerBusyError', 'PS_PUBLISH_UNAVAILABLE'],
    ['ECONNREFUSED', 'PS_PUBLISH_UNAVAILABLE'],
    ['constructor', 'PS_PUBLISH_UNAVAILABLE'],
  ])('%s is %s', (code, ours) => {
    expect(toPublishError(sdkError(code), 'hub clicks').code).toBe(ours);
  });

  it('of several attempts the last counts', () => {
    const error = toPublishError(new AggregateError([sdkError('ServerBusyError'), sdkError('ServiceTimeout')]), 'x');
    expect(error.code).toBe('PS_PUBLISH_TIMEOUT');
    expect(error.message).toContain('ServiceTimeout');
  });

  it.each([undefined, null, 'text', new AggregateError([])])('anything else is an unavailable broker: %s', (thrown) => {
    expect(toPublishError(thrown, 'x').code).toBe('PS_PUBLISH_UNAVAILABLE');
  });

  it('what is ours already stays as it is', () => {
    const error = new PublishError('PS_PUBLISH_CLOSED', 'closed');
    expect(toPublishError(error, 'x')).toBe(error);
  });
});
