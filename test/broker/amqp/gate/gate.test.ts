import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createGate } from '../../../../src/broker/amqp/gate/index.js';

const AMQP = Buffer.from('AMQP\x00\x01\x00\x00', 'latin1');
const SASL = Buffer.from('AMQP\x03\x01\x00\x00', 'latin1');
const MAX_FRAME_BYTES = 4096;

const list = (...fields: Buffer[]) => {
  const body = Buffer.concat(fields);
  return Buffer.concat([Buffer.from([0xc0, body.length + 1, fields.length]), body]);
};
const NULL = Buffer.of(0x40);
const text = (value: string, code = 0xa1) => Buffer.concat([Buffer.of(code, value.length), Buffer.from(value)]);
const uint = (value: number) => {
  const bytes = Buffer.of(0x70, 0, 0, 0, 0);
  bytes.writeUInt32BE(value, 1);
  return bytes;
};
const flag = (value: boolean) => Buffer.of(value ? 0x41 : 0x42);

function frame(
  code: number,
  fields: Buffer,
  { channel = 0, type = 0, payload = Buffer.alloc(0) as Buffer } = {},
): Buffer {
  const body = Buffer.concat([Buffer.from([0, 0, 0, 0, 2, type, 0, channel, 0, 0x53, code]), fields, payload]);
  body.writeUInt32BE(body.length, 0);
  return body;
}

const open = (...fields: Buffer[]) => frame(0x10, list(text('me'), ...fields));
const begin = (channel = 0) => frame(0x11, list(NULL, uint(0), uint(10), uint(10)), { channel });
const attach = (name: string, handle: number, ...more: Buffer[]) =>
  frame(0x12, list(text(name), uint(handle), flag(false), ...more));
const detach = (handle: number) => frame(0x16, list(uint(handle), flag(true)));
const transfer = (handle: number, payload: Buffer) =>
  frame(0x14, list(uint(handle), uint(0), text('tag', 0xa0)), { payload });
const disposition = (first: number, last: number) => frame(0x15, list(flag(true), uint(first), uint(last)));
const close = () => frame(0x18, Buffer.of(0x45));
const init = (mechanism: string, response?: string) =>
  frame(0x41, list(text(mechanism, 0xa3), response === undefined ? NULL : text(response, 0xa0)), { type: 1 });

/** A gate and what came through it. */
function door() {
  const passed: Buffer[] = [];
  const told: Buffer[] = [];
  const events: string[] = [];
  const gate = createGate(
    { maxFrameBytes: () => MAX_FRAME_BYTES, checkKey: (name, key) => name === 'Root' && key === 'secret' },
    {
      toPeer: (bytes) => void told.push(bytes),
      toAmqp: (bytes) => void passed.push(bytes),
      onKey: (name) => void events.push(`key ${name}`),
      onRefused: (reason) => void events.push(`refused: ${reason}`),
      onSessionViolation: (channel, { condition, message }) => {
        events.push(`session on ${channel}: ${condition}: ${message}`);
      },
      onViolation: ({ condition, message }) => void events.push(`${condition}: ${message}`),
    },
  );
  return {
    send: (...parts: Buffer[]) => gate.input(Buffer.concat(parts)),
    passed: () => Buffer.concat(passed),
    told: () => Buffer.concat(told),
    events,
  };
}

/** How the gate answers what comes after the protocol header. */
function answerTo(...frames: Buffer[]): string {
  const { send, events } = door();
  send(AMQP, ...frames);
  return events[0] ?? 'passed';
}

describe('the door', () => {
  it('lets in whoever comes without SASL, with ANONYMOUS, MSSBCBS, or PLAIN with name and key', () => {
    for (const hello of [[], [SASL, init('ANONYMOUS')], [SASL, init('MSSBCBS', 'x')]]) {
      const { send, passed, events } = door();
      send(...hello, AMQP, open());
      expect(passed()).toEqual(Buffer.concat([AMQP, open()]));
      expect(events).toEqual([]);
    }
    const plain = door();
    plain.send(SASL, init('PLAIN', '\0Root\0secret'), AMQP, open());
    expect(plain.events).toEqual(['key Root']);
    expect(plain.passed()).toEqual(Buffer.concat([AMQP, open()]));
    expect(plain.told().subarray(0, 8)).toEqual(SASL);
    for (const name of ['MSSBCBS', 'PLAIN', 'ANONYMOUS']) expect(plain.told().toString('latin1')).toContain(name);
  });

  it.each([
    ['PLAIN', '\0Root\0guess', /name or the key is wrong/],
    ['PLAIN', '\0Other\0secret', /name or the key is wrong/],
    ['PLAIN', 'Root secret', /initial response/],
    ['PLAIN', undefined, /initial response/],
    ['EXTERNAL', '', /EXTERNAL is not supported/],
    ['SCRAM-SHA-256', 'x', /not supported: use one of MSSBCBS, PLAIN, ANONYMOUS/],
    ['', '', /not supported/],
  ])('refuses %s with %j, says why, and lets nothing more through', (mechanism, response, reason) => {
    const { send, passed, told, events } = door();
    send(SASL, init(mechanism, response));
    send(AMQP, open());
    expect(events).toEqual([expect.stringMatching(reason)]);
    expect(told().toString('latin1')).toMatch(reason);
    expect(passed()).toHaveLength(0);
  });

  it('refuses what is no sasl-init, a second protocol layer, and other versions of AMQP', () => {
    for (const hello of [
      [SASL, frame(0x44, list(Buffer.of(0x50, 0)), { type: 1 })],
      [SASL, open()],
      [SASL, SASL],
      [SASL, init('ANONYMOUS'), SASL],
      [Buffer.from('AMQP\x00\x00\x09\x01', 'latin1')],
      [Buffer.from('AMQP\x02\x01\x00\x00', 'latin1')],
    ]) {
      const { send, passed, events } = door();
      send(...hello, AMQP, open());
      expect(events).toEqual([expect.stringMatching(/^refused/)]);
      expect(passed()).toHaveLength(0);
    }
  });
});

describe('the gate', () => {
  const conversation = [AMQP, open(), begin(), attach('a', 0), transfer(0, Buffer.from('payload')), detach(0), close()];

  it('lets a sound conversation through byte by byte, however it is cut', () => {
    const whole = Buffer.concat(conversation);
    fc.assert(
      fc.property(fc.array(fc.nat({ max: whole.length })), (cuts) => {
        const { send, passed, events } = door();
        const places = [0, ...cuts.sort((a, b) => a - b), whole.length];
        for (let index = 1; index < places.length; index++) send(whole.subarray(places[index - 1], places[index]));
        expect(passed()).toEqual(whole);
        expect(events).toEqual([]);
      }),
    );
  });

  it('lets whole frames through that came before a bad one, and nothing after it', () => {
    const { send, passed, events } = door();
    send(AMQP, open(), begin(), begin(0), begin(1));
    send(begin(2));
    expect(passed()).toEqual(Buffer.concat([AMQP, open(), begin()]));
    expect(events).toEqual(['amqp:not-allowed: channel 0 is in use']);
  });

  it('lets everything through but the frame with which a peer breaks one session, and says which', () => {
    const { send, passed, events } = door();
    send(AMQP, open(), begin(0), begin(1), detach(3), detach(4), attach('a', 0), attach('b', 0));
    expect(events).toEqual(['session on 0: amqp:session:unattached-handle: handle 3 is not attached']);
    // What still comes in the session is nobody's affair up to its end; then the channel is free again.
    const end = frame(0x17, Buffer.of(0x45));
    send(end, begin(0), detach(6));
    expect(events.slice(1)).toEqual(['session on 0: amqp:session:unattached-handle: handle 6 is not attached']);
    const passing = [AMQP, open(), begin(0), begin(1), detach(4), attach('a', 0), attach('b', 0), end, begin(0)];
    expect(passed()).toEqual(Buffer.concat(passing));
  });

  it('drops what follows a close', () => {
    const { send, passed, events } = door();
    send(AMQP, open(), close(), Buffer.alloc(1000, 1));
    expect(passed()).toEqual(Buffer.concat([AMQP, open(), close()]));
    expect(events).toEqual([]);
  });

  it.each([
    [
      'a frame larger than may be',
      Buffer.from([0, 0, 0x20, 0, 2, 0, 0, 0]),
      /framing-error: a frame is larger than 4096/,
    ],
    ['a frame smaller than its head', Buffer.from([0, 0, 0, 7, 2, 0, 0, 0]), /framing-error: a frame is smaller/],
    ['a data offset beyond the frame', Buffer.from([0, 0, 0, 8, 3, 0, 0, 0]), /framing-error: the data offset/],
    ['a frame of SASL', Buffer.from([0, 0, 0, 8, 2, 1, 0, 0]), /framing-error: frames of type 1/],
    ['no performative', Buffer.from([0, 0, 0, 9, 2, 0, 0, 0, 0x40]), /decode-error: a frame without a performative/],
    ['an unknown performative', frame(0x7f, Buffer.of(0x45)), /decode-error: an unknown performative/],
    ['a performative that is no list', frame(0x11, text('x')), /decode-error: begin is not a list/],
    ['too many fields', frame(0x17, list(NULL, NULL)), /decode-error: end has too many fields/],
    ['a missing field', frame(0x11, list(NULL, uint(1))), /invalid-field: field 2 of begin/],
    [
      'a field of another type',
      frame(0x11, list(NULL, text('x'), uint(0), uint(0))),
      /invalid-field: field 1 of begin/,
    ],
    ['a second open', open(), /not-allowed: open was sent already/],
    ['a payload where none may be', frame(0x11, list(NULL, uint(0), uint(1), uint(1)), { payload: NULL }), /payload/],
    [
      'a list of billions',
      frame(0x11, Buffer.from([0xd0, 0, 0, 0, 4, 255, 255, 255, 255])),
      /decode-error: too many values/,
    ],
    [
      'a list longer than the frame',
      frame(0x11, Buffer.from([0xd0, 255, 0, 0, 0, 0, 0, 0, 1])),
      /decode-error: .* runs past/,
    ],
    [
      'a list that ends too early',
      frame(0x11, Buffer.from([0xc0, 4, 1, 0x40, 0x40, 0x40])),
      /decode-error: a container is larger/,
    ],
    ['a map without a value', frame(0x18, list(Buffer.from([0xc1, 2, 1, 0x40]))), /decode-error: a map with a key/],
    [
      'an array of billions of nothings',
      frame(0x18, list(Buffer.from([0xf0, 0, 0, 0, 5, 255, 255, 255, 255, 0x40]))),
      /too many values/,
    ],
    [
      'descriptors without end',
      frame(0x18, Buffer.concat([Buffer.alloc(3000), Buffer.of(0x40)])),
      /decode-error: .*too deep/,
    ],
    ['a type that is none', frame(0x18, list(Buffer.of(0x3f))), /decode-error: 0x3f is not a type/],
    [
      'a session on a channel beyond the last',
      frame(0x11, list(NULL, uint(0), uint(1), uint(1)), { channel: 255 }),
      /passed/,
    ],
    [
      'a flow without a session',
      frame(0x13, list(NULL, uint(1), uint(1), uint(1)), { channel: 3 }),
      /no session was begun on channel 3/,
    ],
    [
      'an answer to a begin that nobody sent',
      frame(0x11, list(Buffer.of(0x60, 0, 1), uint(0), uint(1), uint(1))),
      /must not answer/,
    ],
  ])('tells %s', (_what, bytes, answer) => {
    expect(answerTo(open(), bytes)).toMatch(answer);
  });

  it('tells lists within lists deeper than any client nests them', () => {
    let nested = Buffer.of(0x45);
    for (let depth = 0; depth < 60; depth++) {
      const head = Buffer.from([0xd0, 0, 0, 0, 0, 0, 0, 0, 1]);
      head.writeUInt32BE(nested.length + 4, 1);
      nested = Buffer.concat([head, nested]);
    }
    expect(answerTo(open(), frame(0x18, nested))).toMatch(/too deep/);
  });

  it('tells what an open announces that cannot be kept', () => {
    expect(answerTo(open(NULL, uint(511)))).toMatch(/max-frame-size must be 512 or more/);
    expect(answerTo(open(NULL, uint(512), Buffer.of(0x60, 0, 1), uint(1000)))).toBe('passed');
    expect(answerTo(open(NULL, NULL, NULL, uint(999)))).toMatch(/idle-time-out of less than 1000 ms/);
    expect(answerTo(open(NULL, NULL, NULL, uint(0)))).toBe('passed');
  });

  it('tells handles that are taken, too high or not there, in each session', () => {
    const started = [open(), begin(0), begin(1)];
    expect(answerTo(...started, attach('a', 0), attach('b', 0))).toMatch(/handle-in-use: handle 0/);
    expect(answerTo(...started, attach('a', 0), detach(0), attach('b', 0))).toBe('passed');
    expect(answerTo(...started, attach('a', 20_000))).toMatch(/framing-error: handle 20000 is beyond/);
    expect(answerTo(...started, transfer(0, NULL))).toMatch(/unattached-handle: handle 0/);
    expect(answerTo(...started, begin(1))).toMatch(/channel 1 is in use/);
    expect(answerTo(...started, frame(0x17, Buffer.of(0x45), { channel: 1 }), begin(1))).toBe('passed');
  });

  it('takes dispositions of as many deliveries as a session can have, over the end of their numbers', () => {
    const started = [open(), begin()];
    expect(answerTo(...started, disposition(0, 65_535))).toBe('passed');
    expect(answerTo(...started, disposition(0xffffffff, 5))).toBe('passed');
    expect(answerTo(...started, disposition(0, 0xffffffff))).toMatch(/covers too many deliveries/);
    expect(answerTo(...started, disposition(5, 4))).toMatch(/covers too many deliveries/);
  });

  it('wants text for an address, whatever else a terminus has', () => {
    const terminus = (...fields: Buffer[]) => Buffer.concat([Buffer.from([0, 0x53, 0x29]), list(...fields)]);
    const withTarget = (target: Buffer) => answerTo(open(), begin(), attach('a', 0, NULL, NULL, NULL, target));
    expect(withTarget(terminus(text('events')))).toBe('passed');
    expect(withTarget(terminus(NULL))).toBe('passed');
    expect(withTarget(terminus(uint(7)))).toMatch(/invalid-field: field 0 of terminus/);
    expect(withTarget(uint(7))).toMatch(/invalid-field: field 6 of attach/);
  });

  it('never throws and never lets anything but whole frames through, whatever comes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat({ max: 200 }), (noise, at) => {
        const whole = Buffer.concat(conversation);
        const place = Math.min(at, whole.length);
        const bytes = Buffer.concat([whole.subarray(0, place), noise, whole.subarray(place)]);
        const { send, passed } = door();
        send(bytes);
        const got = passed();
        for (let read = 8; read < got.length; read += got.readUInt32BE(read)) {
          expect(got.readUInt32BE(read)).toBeGreaterThanOrEqual(8);
        }
      }),
    );
  });
});
