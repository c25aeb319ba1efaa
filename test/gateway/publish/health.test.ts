import { describe, expect, it } from 'vitest';
import { createHealth, type HealthReport } from '../../../src/gateway/publish/health.js';
import { createManualClock } from '../../helpers/manual-clock.js';

function createRig() {
  const clock = createManualClock();
  const changes: HealthReport['state'][] = [];
  const broker = { up: true, probes: 0 };
  const health = createHealth({
    clock,
    random: () => 1,
    probe: async () => {
      broker.probes++;
      if (!broker.up) throw new Error('connection refused');
    },
    onChange: (report) => void changes.push(report.state),
  });
  const settle = async () => {
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
  };
  return { clock, changes, broker, health, settle };
}

describe('the health of a sink', () => {
  it('is up after the first probe that gets through', async () => {
    const { health } = createRig();
    expect(health.report().state).toBe('connecting');
    await health.start();
    expect(health.report()).toMatchObject({ state: 'up' });
    expect(health.report().lastError).toBeUndefined();
  });

  it('a failure takes it down at once; it comes up by itself when the broker is back', async () => {
    const { clock, broker, health, settle, changes } = createRig();
    await health.start();
    broker.up = false;
    health.fail(new Error('lost'));
    health.fail(new Error('lost too'));
    expect(health.isUp()).toBe(false);
    expect(health.report().lastError).toBe('lost too');
    for (let second = 0; second < 10; second++) {
      clock.advance(1000);
      await settle();
    }
    expect(health.report()).toMatchObject({ state: 'down', lastError: 'connection refused' });
    expect(broker.probes).toBeGreaterThan(4);
    broker.up = true;
    clock.advance(2000);
    await settle();
    expect(health.report().state).toBe('up');
    expect(changes).toEqual(['up', 'down', 'up']);
    expect(clock.pending).toBe(0);
  });

  it('a connection that ended idle is no outage while there can be another', async () => {
    const { broker, health, settle, changes, clock } = createRig();
    await health.start();
    health.check();
    health.check();
    await settle();
    expect([health.report().state, broker.probes, changes]).toEqual(['up', 2, ['up']]);
    broker.up = false;
    health.check();
    health.fail(new Error('lost'));
    await settle();
    expect(health.report()).toMatchObject({ state: 'down', lastError: 'connection refused' });
    expect(clock.pending).toBe(1);
  });

  it('probes no more once it is stopped', async () => {
    const { clock, broker, health } = createRig();
    broker.up = false;
    await health.start();
    health.stop();
    expect(clock.pending).toBe(0);
  });
});
