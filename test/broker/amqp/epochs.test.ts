import { describe, expect, it } from 'vitest';
import type { AmqpFault } from '../../../src/broker/amqp/conditions.js';
import { createReaderRegistry } from '../../../src/broker/amqp/epochs.js';

const reader = (epoch?: number, name = 'nil') => {
  const disconnected: AmqpFault[] = [];
  return { epoch, name, disconnected, disconnect: (fault: AmqpFault) => void disconnected.push(fault) };
};

describe('the readers of a partition', () => {
  it('make way for one with the same or a higher epoch', () => {
    const registry = createReaderRegistry();
    const [plain, first, second] = [reader(), reader(0), reader(0)];
    expect(registry.enter('p', plain)).toBeUndefined();
    expect(registry.enter('p', first)).toBeUndefined();
    expect(plain.disconnected).toMatchObject([{ condition: 'amqp:link:stolen' }]);
    expect(registry.enter('p', second)).toBeUndefined();
    expect(first.disconnected[0]?.description).toContain("New receiver 'nil' with higher epoch of '0' is created");
    expect(second.disconnected).toEqual([]);
  });

  it('are refused when one with a higher epoch is there, until it leaves', () => {
    const registry = createReaderRegistry();
    const owner = reader(5);
    registry.enter('p', owner);
    expect(registry.enter('p', reader(4))?.description).toContain("a higher epoch '5' already exists");
    expect(registry.enter('p', reader())?.description).toContain("created with epoch of '5'");
    expect(registry.enter('other', reader())).toBeUndefined();
    registry.leave('p', owner);
    expect(registry.enter('p', reader())).toBeUndefined();
  });

  it('are five at the most without an epoch', () => {
    const registry = createReaderRegistry();
    for (let index = 0; index < 5; index++) expect(registry.enter('p', reader())).toBeUndefined();
    expect(registry.enter('p', reader())?.condition).toBe('amqp:resource-limit-exceeded');
  });
});
