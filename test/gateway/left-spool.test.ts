import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { GatewayError } from '../../src/gateway/errors.js';
import { configSchema } from '../../src/shared/config/index.js';
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

it('a spool that is switched off is emptied of what was accepted into it, takes nothing more, and keeps nobody waiting', async () => {
  const disk = createMemoryDisk();
  const world = createGatewayWorld();
  const { state } = world.brokers;
  state.topicFailure = 'PS_PUBLISH_UNAVAILABLE';
  const before = await createGatewayRig({ world, openSpoolStore: disk.open });
  expect(await before.results({ id: 'a', type: 'generate_lead' })).toMatchObject([{ durability: 'spool' }]);
  await before.gateway.stop({ deadlineMs: 1_000 });

  const { spool } = configSchema.parse({}).gateway;
  const withoutSpool = { world, openSpoolStore: disk.open, gateway: { spool: { ...spool, bytes: 0 } } };
  const off = await createGatewayRig(withoutSpool);
  expect((await off.app.inject('/readyz')).json()).toMatchObject({
    sinks: { 'topic:events': { spool: { records: 1 } } },
  });
  expect((await off.post({ id: 'b', type: 'generate_lead' })).statusCode).toBe(503);
  state.topicFailure = undefined;
  for (let turns = 0; turns < 200 && !off.gateway.spooled().isEmpty; turns++) await off.passTime(100);
  expect(state.messages.map(({ messageId }) => messageId)).toEqual(['a']);
  expect(await off.results({ id: 'c', type: 'generate_lead' })).toMatchObject([{ durability: 'broker' }]);
  state.topicFailure = 'PS_PUBLISH_UNAVAILABLE';
  expect((await off.post({ id: 'd', type: 'generate_lead' })).statusCode).toBe(503);
  await off.gateway.stop({ deadlineMs: 1_000 });

  const again = await createGatewayRig(withoutSpool);
  expect(again.gateway.spooled()).toEqual({ isEmpty: true, setAside: false });
  await again.gateway.stop({ deadlineMs: 1_000 });
});

it('a spool that is switched off and cannot be opened keeps no gateway from taking events, and is told of', async () => {
  const lines: string[] = [];
  const { spool } = configSchema.parse({}).gateway;
  const rig = await createGatewayRig({
    gateway: { spool: { ...spool, bytes: 0 } },
    logger: createLogger('test', 'error', { write: (line: string) => void lines.push(line) }),
    async openSpoolStore() {
      throw new GatewayError('PS_SPOOL_LOCKED', 'in use by another gateway');
    },
  });
  expect(await rig.results({ id: 'a', type: 'generate_lead' })).toMatchObject([{ durability: 'broker' }]);
  expect(lines.join('')).toContain('cannot be sent');
});
