import { describe, expect, it } from 'vitest';
import { messageFault } from '../../../src/broker/amqp/message-rules.js';
import { parseIncoming } from '../../../src/broker/message/index.js';
import { encode } from '../message/messages.js';

const fault = (fields: Record<string, unknown>) => messageFault(parseIncoming(encode({ body: 'x', ...fields })));
const annotated = (name: string, value: string) => ({ message_annotations: { [name]: value } });
const longest = 'x'.repeat(128);

const FIELDS: readonly [string, (value: string) => Record<string, unknown>][] = [
  ['MessageId', (value) => ({ message_id: value })],
  ['SessionId', (value) => ({ group_id: value })],
  ['ReplyToSessionId', (value) => ({ reply_to_group_id: value })],
  ['PartitionKey', (value) => annotated('x-opt-partition-key', value)],
  ['ViaPartitionKey', (value) => annotated('x-opt-via-partition-key', value)],
];

describe('a message that is sent to Service Bus', () => {
  it.each(FIELDS)('has at the most 128 characters in its %s', (name, fields) => {
    expect(fault(fields(longest))).toBeUndefined();
    expect(fault(fields(`${longest}x`))).toEqual({
      condition: 'com.microsoft:argument-error',
      description: `${name} has 129 characters; 128 are allowed at the most.`,
    });
  });

  it('has the partition key of its session, or none', () => {
    expect(fault({ group_id: 's', ...annotated('x-opt-partition-key', 's') })).toBeUndefined();
    expect(fault({ group_id: 's' })).toBeUndefined();
    expect(fault(annotated('x-opt-partition-key', 'p'))).toBeUndefined();
    expect(fault({ group_id: 's', ...annotated('x-opt-partition-key', 'p') })).toMatchObject({
      condition: 'com.microsoft:argument-error',
    });
  });
});
