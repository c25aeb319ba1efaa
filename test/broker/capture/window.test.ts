import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type CapturePosition,
  type ClosedWindow,
  createCaptureWindow,
  type WindowEvent,
  type WindowLimits,
} from '../../../src/broker/capture/window.js';

const START_MS = Date.UTC(2026, 0, 1);
const MINUTE_MS = 60_000;
const limits: WindowLimits = { intervalMs: MINUTE_MS, sizeLimitBytes: 1000, skipEmpty: true };

const event = (sequence: number, atMs: number, bytes = 10): WindowEvent => ({
  sequence,
  enqueuedAtMs: START_MS + atMs,
  bytes,
});
const begin: CapturePosition = { nextSequence: 0, openedAtMs: START_MS };

/** Offers events as a capture does: an event that closed a window without being in it is offered again. */
function offerAll(window: ReturnType<typeof createCaptureWindow>, events: readonly WindowEvent[]): ClosedWindow[] {
  const closed: ClosedWindow[] = [];
  for (let index = 0; index < events.length; ) {
    const one = window.offer(events[index] as WindowEvent);
    if (one) closed.push(one);
    if (window.nextSequence() > (events[index] as WindowEvent).sequence) index++;
  }
  return closed;
}

describe('a window', () => {
  it('closes when its interval is over, with the events of that interval', () => {
    const window = createCaptureWindow(limits, begin);
    expect(offerAll(window, [event(0, 1), event(1, MINUTE_MS - 1)])).toEqual([]);
    expect(window.tick(START_MS + MINUTE_MS - 1)).toBeUndefined();
    expect(window.dueAtMs()).toBe(START_MS + MINUTE_MS);
    expect(window.tick(START_MS + MINUTE_MS)).toEqual({
      openedAtMs: START_MS,
      namedMs: START_MS,
      firstSequence: 0,
      endSequence: 2,
      next: { nextSequence: 2, openedAtMs: START_MS + MINUTE_MS, lastNamedMs: START_MS },
    });
  });

  it('closes with the event that fills it, and the next one opens then', () => {
    const window = createCaptureWindow(limits, begin);
    expect(offerAll(window, [event(0, 5000, 999), event(1, 7000, 1), event(2, 8000)])).toEqual([
      {
        openedAtMs: START_MS,
        namedMs: START_MS,
        firstSequence: 0,
        endSequence: 2,
        next: { nextSequence: 2, openedAtMs: START_MS + 7000, lastNamedMs: START_MS },
      },
    ]);
    expect(window.dueAtMs()).toBe(START_MS + 7000 + MINUTE_MS);
  });

  it('closes by time when an event of a later interval comes, which is not in it', () => {
    const window = createCaptureWindow(limits, begin);
    const [closed, ...more] = offerAll(window, [event(0, 0), event(1, 3 * MINUTE_MS + 5)]);
    expect(more).toEqual([]);
    expect(closed).toMatchObject({ firstSequence: 0, endSequence: 1 });
    expect(closed?.next).toMatchObject({ nextSequence: 1, openedAtMs: START_MS + 3 * MINUTE_MS });
  });

  it('without events leaves a file for each interval, unless those are not wanted', () => {
    const wanted = createCaptureWindow({ ...limits, skipEmpty: false }, begin);
    expect(wanted.tick(START_MS + MINUTE_MS)).toMatchObject({ firstSequence: 0, endSequence: 0 });
    expect(wanted.tick(START_MS + MINUTE_MS)).toBeUndefined();
    expect(wanted.tick(START_MS + 2 * MINUTE_MS)).toMatchObject({ openedAtMs: START_MS + MINUTE_MS });
    const unwanted = createCaptureWindow(limits, begin);
    expect(unwanted.tick(START_MS + MINUTE_MS)).toBeUndefined();
    expect(unwanted.dueAtMs()).toBe(START_MS + 2 * MINUTE_MS);
  });

  it('leaves one empty file, not hundreds, for the time that the broker was off', () => {
    const window = createCaptureWindow({ ...limits, skipEmpty: false }, begin);
    const later = START_MS + 1000 * MINUTE_MS + 30_000;
    expect(window.tick(later)?.next.openedAtMs).toBe(START_MS + 1000 * MINUTE_MS);
    expect(window.tick(later)).toBeUndefined();
  });

  it('has the time of its opening in its name, or a second more than the name before', () => {
    const window = createCaptureWindow({ ...limits, sizeLimitBytes: 1 }, begin);
    const closed = offerAll(window, [event(0, 1), event(1, 2), event(2, 3), event(3, 9000)]);
    expect(closed.map(({ openedAtMs }) => openedAtMs - START_MS)).toEqual([0, 1, 2, 3]);
    expect(closed.map(({ namedMs }) => namedMs - START_MS)).toEqual([0, 1000, 2000, 3000]);
    expect(offerAll(window, [event(4, 9000)])[0]?.namedMs).toBe(START_MS + 9000);
  });

  it('takes an event whose time is before its opening', () => {
    const window = createCaptureWindow(limits, { nextSequence: 7, openedAtMs: START_MS });
    expect(window.offer(event(7, -5000))).toBeUndefined();
    expect(window.tick(START_MS + MINUTE_MS)).toMatchObject({ firstSequence: 7, endSequence: 8 });
  });

  it('goes on behind events that the hub has forgotten', () => {
    const window = createCaptureWindow(limits, begin);
    expect(offerAll(window, [event(40, 1)])).toEqual([]);
    expect(window.tick(START_MS + MINUTE_MS)).toMatchObject({ firstSequence: 0, endSequence: 41 });
  });
});

describe('whatever the events and the times', () => {
  /** Events of growing time, and now and then a look at the clock. */
  const steps = fc.array(
    fc.record({ gapMs: fc.nat(3 * MINUTE_MS), bytes: fc.integer({ min: 1, max: 700 }), tick: fc.boolean() }),
    { maxLength: 60 },
  );
  const run = (script: readonly { gapMs: number; bytes: number; tick: boolean }[], skipEmpty: boolean) => {
    const own = { ...limits, skipEmpty };
    const window = createCaptureWindow(own, begin);
    const events: WindowEvent[] = [];
    const closed: ClosedWindow[] = [];
    let nowMs = 0;
    for (const { gapMs, bytes, tick } of script) {
      nowMs += gapMs;
      if (tick) {
        const one = window.tick(START_MS + nowMs);
        if (one) closed.push(one);
      } else {
        const next = event(events.length, nowMs, bytes);
        events.push(next);
        closed.push(...offerAll(window, [next]));
      }
    }
    return { events, closed, own };
  };

  it('files follow each other without gap or overlap, under names that differ', () => {
    fc.assert(
      fc.property(steps, fc.boolean(), (script, skipEmpty) => {
        const { closed } = run(script, skipEmpty);
        let [end, named] = [0, Number.NEGATIVE_INFINITY];
        for (const file of closed) {
          expect(file.firstSequence).toBe(end);
          expect(file.endSequence).toBeGreaterThanOrEqual(end + (skipEmpty ? 1 : 0));
          expect(file.namedMs).toBeGreaterThanOrEqual(Math.max(named + 1000, file.openedAtMs));
          expect(file.next.nextSequence).toBe(file.endSequence);
          [end, named] = [file.endSequence, file.namedMs];
        }
      }),
    );
  });

  it('a file holds the events of one interval, and no more than its size but for the last event', () => {
    fc.assert(
      fc.property(steps, (script) => {
        const { closed, events, own } = run(script, true);
        for (const { firstSequence, endSequence, openedAtMs } of closed) {
          const inside = events.slice(firstSequence, endSequence);
          for (const one of inside) expect(one.enqueuedAtMs).toBeLessThan(openedAtMs + own.intervalMs);
          const before = inside.slice(0, -1).reduce((sum, { bytes }) => sum + bytes, 0);
          expect(before).toBeLessThan(own.sizeLimitBytes);
        }
      }),
    );
  });

  it('a capture that begins again at the position of any file makes the same files from there', () => {
    fc.assert(
      fc.property(steps, fc.nat(), (script, which) => {
        const { events, own } = run(script, true);
        const whole = offerAll(createCaptureWindow(own, begin), events);
        const at = whole[which % Math.max(1, whole.length)];
        if (at === undefined) return;
        const rest = events.slice(at.next.nextSequence);
        expect(offerAll(createCaptureWindow(own, at.next), rest)).toEqual(whole.slice(whole.indexOf(at) + 1));
      }),
    );
  });
});
