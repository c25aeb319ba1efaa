import { describe, expect, it } from 'vitest';
import { createGatewayRig } from './rig.js';
import { createMemoryDisk } from './spool/memory-store.js';

const LEAD_BYTES = 1_000;
const lead = (id: string) => ({ type: 'generate_lead', id, text: 'x'.repeat(LEAD_BYTES) });

/** A gateway whose topic is away and whose spool for it is full. */
async function fullRig() {
  const disk = createMemoryDisk();
  const rig = await createGatewayRig({
    openSpoolStore: disk.open,
    gateway: { spool: { bytes: 10 * LEAD_BYTES, ageMs: 3_600_000 } },
  });
  rig.brokers.state.topicFailure = 'PS_PUBLISH_UNAVAILABLE';
  const taken: string[] = [];
  for (let count = 0; count < 20; count++) {
    const response = await rig.post(lead(`lead-${count}`));
    if (response.statusCode === 429) return { disk, rig, taken, refused: response };
    taken.push(`lead-${count}`);
  }
  throw new Error('the spool is never full');
}

describe('a spool that is full', () => {
  it('of a broker that is away says to come again in a minute, since nothing drains', async () => {
    const { rig, taken, refused } = await fullRig();
    expect(taken.length).toBeGreaterThan(3);
    expect(refused.headers['retry-after']).toBe('60');
    // Other events go their way, and what is no fault of the disk is told as ever.
    expect(await rig.results({ type: 'page_view' })).toMatchObject([{ outcome: 'accepted', durability: 'broker' }]);
    const mixed = await rig.post([{ type: 'page_view' }, lead('more')]);
    expect([mixed.statusCode, mixed.headers['retry-after']]).toEqual([200, '60']);
  });

  it('that drains says how long that takes, and takes what was refused then', async () => {
    const { rig, taken, refused } = await fullRig();
    expect(refused.statusCode).toBe(429);
    rig.brokers.state.topicFailure = undefined;
    for (let turns = 0; turns < 200 && rig.brokers.state.messages.length < taken.length; turns++)
      await rig.passTime(100);
    expect(rig.brokers.state.messages.map(({ messageId }) => messageId)).toEqual(taken);
    await rig.passTime(1_000);
    rig.brokers.state.topicFailure = 'PS_PUBLISH_UNAVAILABLE';
    let again = await rig.post(lead('again-0'));
    for (let count = 1; count < 20 && again.statusCode === 200; count++) again = await rig.post(lead(`again-${count}`));
    // As much as waits now went to the broker a moment ago.
    expect([again.statusCode, Number(again.headers['retry-after']) <= 2]).toEqual([429, true]);
  });

  it('since its disk fails says to come again when that will have been tried anew', async () => {
    const { disk, rig } = await fullRig();
    disk.full = true;
    rig.brokers.state.hubFailure = 'PS_PUBLISH_UNAVAILABLE';
    const refused = await rig.post({ type: 'page_view' });
    expect([refused.statusCode, refused.headers['retry-after']]).toEqual([429, '15']);
  });
});
