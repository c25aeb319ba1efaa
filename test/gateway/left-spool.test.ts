import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { createLogger } from '../../src/shared/logger.js';
import { createGatewayRig, createGatewayWorld } from './rig.js';
import { createMemoryDisk } from './spool/memory-store.js';

it('what was accepted for a destination that no route leads to any more stays on disk, is no empty spool, and is told of', async () => {
  const disk = createMemoryDisk();
  const world = createGatewayWorld();
  world.brokers.state.topicFailure = 'PS_PUBLISH_UNAVAILABLE';
  const before = await createGatewayRig({ world, openSpoolStore: disk.open });
  expect(await before.results({ id: 'a', type: 'generate_lead' })).toMatchObject([{ durability: 'spool' }]);
  await before.gateway.stop({ deadlineMs: 1_000 });
  world.brokers.state.topicFailure = undefined;

  let log = '';
  const destination = new PassThrough().on('data', (line: Buffer) => {
    log += line.toString();
  });
  const start = (to: string) =>
    createGatewayRig({
      ...{ world, openSpoolStore: disk.open, logger: createLogger('test', 'warn', destination) },
      gateway: { routes: [{ match: { type: '*' }, to }] },
    });
  const changed = await start('topic:orders');
  await changed.passTime(1_000);
  expect(changed.gateway.spooled()).toEqual({ isEmpty: false, setAside: false });
  expect(world.brokers.state.messages).toEqual([]);
  expect(log).toContain('"destination":"topic:events","records":1');
  await changed.gateway.stop({ deadlineMs: 1_000 });

  const back = await start('topic:events');
  for (let turns = 0; turns < 200 && !back.gateway.spooled().isEmpty; turns++) await back.passTime(100);
  expect(world.brokers.state.messages.map(({ messageId }) => messageId)).toEqual(['a']);
  expect(back.gateway.spooled()).toEqual({ isEmpty: true, setAside: false });
});
