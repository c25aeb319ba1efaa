import { describe, expect, it } from 'vitest';
import { EventError, parseEvent, parsePack } from '../../src/events/index.js';

const event = { specversion: '1.0', id: '1', source: 's', type: 't', time: '2026-01-01T00:00:00.000Z', data: {} };

describe('reading what is on the brokers', () => {
  it.each([
    ['bytes', Buffer.from(JSON.stringify([event]))],
    ['a view of bytes', new Uint8Array(Buffer.from(JSON.stringify([event])))],
    ['text', JSON.stringify([event])],
    ['values that the SDK has parsed', [event]],
    ['a single event that was not packed', JSON.stringify(event)],
  ])('a pack is read from %s', (_name, body) => {
    expect(parsePack(body)).toEqual([event]);
  });

  it('a message is one event', () => {
    expect(parseEvent(Buffer.from(JSON.stringify(event)))).toEqual(event);
  });

  it.each(['', '{', '[1]', '[{}]', 'null', JSON.stringify([{ ...event, data: null }]), undefined, 5])(
    'what is not ours is refused: %j',
    (body) => {
      expect(() => parsePack(body)).toThrow(EventError);
      expect(() => parseEvent(body)).toThrow(EventError);
    },
  );
});
