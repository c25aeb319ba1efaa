import { describe, expect, it } from 'vitest';
import { createIncompleteMemory } from '../../../src/broker/amqp/incomplete.js';
import { createOutgoingMemory } from '../../../src/broker/amqp/outgoing.js';

const KIB = 1024;

describe('deliveries without their end', () => {
  it('beyond the bound over all connections lose the one that has waited longest', () => {
    const join = createIncompleteMemory(100);
    const [first, second] = [join(), join()];
    const letGo: string[] = [];
    const [a, b, c] = [{}, {}, {}];
    first.keep(a, 40, () => letGo.push('a'));
    second.keep(b, 40, () => letGo.push('b'));
    // The next frame of the oldest makes it the newest.
    first.keep(a, 50, () => letGo.push('a'));
    second.keep(c, 40, () => letGo.push('c'));
    expect(letGo).toEqual(['b']);
    expect([first.bytes(), second.bytes()]).toEqual([50, 40]);
    second.done(c);
    first.clear();
    expect([first.bytes(), second.bytes()]).toEqual([0, 0]);
    second.keep(b, 100, () => letGo.push('b again'));
    expect(letGo).toEqual(['b']);
  });

  it('are never let go for their own sake', () => {
    const connection = createIncompleteMemory(10)();
    connection.keep({}, 50, () => expect.unreachable());
    expect(connection.bytes()).toBe(50);
  });
});

describe('bytes on their way to clients', () => {
  it('are few for each while there are too many over all, and as many as ever after that', () => {
    const join = createOutgoingMemory(1024 * KIB);
    const [slow, quick] = [join(), join()];
    expect(slow.congested(900 * KIB)).toBe(false);
    expect(quick.congested(100 * KIB)).toBe(false);
    expect(quick.congested(200 * KIB)).toBe(true);
    expect(quick.congested(60 * KIB)).toBe(false);
    slow.congested(1000 * KIB);
    expect(quick.congested(65 * KIB)).toBe(true);
    slow.leave();
    expect(quick.congested(200 * KIB)).toBe(false);
    expect(quick.congested(5000 * KIB)).toBe(true);
    // What is told after the end of a connection counts for nobody.
    slow.congested(10_000 * KIB);
    quick.leave();
    expect(join().congested(1000 * KIB)).toBe(false);
  });
});
