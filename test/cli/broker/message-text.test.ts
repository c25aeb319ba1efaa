import { expect, it } from 'vitest';
import { describeMessage, messageAsJson, previewBody } from '../../../src/cli/broker/message-text.js';

const message = {
  sequenceNumber: '7',
  messageId: 'a',
  state: 'active',
  enqueuedAtMs: 0,
  deliveryCount: 2,
  properties: { subject: 's' },
  applicationProperties: { value: 1 },
  body: Buffer.from('{ "a": [1] }'),
} as const;

it.each([
  ['JSON', Buffer.from('{"a":1}'), 'json', '{"a":1}'],
  ['text', Buffer.from('hello'), 'text', 'hello'],
  ['bytes that are no text', Buffer.from([0xff, 0x00]), 'hex', 'ff00'],
  ['an AMQP value', { a: 1 }, 'json', '{"a":1}'],
  ['nothing', undefined, 'json', 'null'],
])('a body of %s is shown as such', (_what, body, as, text) => {
  expect(previewBody(body)).toMatchObject({ as, text });
});

it('a message is a few lines, and a long body is cut', () => {
  expect(describeMessage(message, 5).split('\n')).toEqual([
    '#7  a  active, enqueued 1970-01-01T00:00:00.000Z, delivered 2 times before',
    '    subject = s',
    '    value = 1',
    '    {"a":… (9 characters)',
    '',
  ]);
});

it('what comes in a message cannot steer the terminal', () => {
  const shown = describeMessage(
    { ...message, messageId: '\u001b[2J\u009b', body: Buffer.from('\u001b]0;x\u0007') },
    100,
  );
  for (const control of ['\u001b', '\u0007', '\u009b']) expect(shown).not.toContain(control);
  expect(shown).toContain('\\u001b[2J');
});

it('a message is one line of JSON, with the body in it', () => {
  const parsed = JSON.parse(messageAsJson(message)) as unknown;
  expect(parsed).toMatchObject({
    sequenceNumber: '7',
    body: { json: { a: [1] } },
    enqueuedAt: '1970-01-01T00:00:00.000Z',
  });
});
