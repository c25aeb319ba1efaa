import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ConfigError, loadConfig } from '../../../src/shared/config/index.js';

const failure = (run: () => unknown): ConfigError => {
  try {
    run();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
};

test('without any input every value has its default', () => {
  const config = loadConfig({ env: {} });
  expect(config.gateway).toMatchObject({ host: '127.0.0.1', port: 8080, sources: [] });
  expect(config.gateway.routes.at(-1)).toEqual({ match: { type: '*' }, to: 'hub:clicks' });
  expect(config.admin.host).toBe('127.0.0.1');
});

test('a flag wins over the environment, which wins over the file', () => {
  const dir = mkdtempSync(join(tmpdir(), 'penstock-config-'));
  const file = join(dir, 'penstock.json');
  writeFileSync(
    file,
    JSON.stringify({ gateway: { port: 1, host: '127.0.0.2' }, admin: { port: 1 }, logLevel: 'warn' }),
  );
  const env = { PENSTOCK_CONFIG: file, PENSTOCK_PORT: '2', PENSTOCK_ADMIN_PORT: '2' };
  const config = loadConfig({ env, flags: { 'gateway.port': 3, 'admin.port': undefined } });
  expect(config.gateway.port).toBe(3);
  expect(config.gateway.host).toBe('127.0.0.2');
  expect(config.admin.port).toBe(2);
  expect(config.logLevel).toBe('warn');
  rmSync(dir, { recursive: true });
});

test('a bad value is an error that names it and where it came from', () => {
  const error = failure(() => loadConfig({ env: { PENSTOCK_PORT: '70000' } }));
  expect(error.code).toBe('PS_CONFIG_INVALID');
  expect(error.message).toContain('gateway.port');
  expect(error.message).toContain('PENSTOCK_PORT');
  expect(failure(() => loadConfig({ env: { PENSTOCK_PORT: 'eighty' } })).message).toContain('PENSTOCK_PORT');
  expect(failure(() => loadConfig({ env: { PENSTOCK_SOURCES: '[{]' } })).message).toContain('PENSTOCK_SOURCES');
});

test('an unknown key is an error and not ignored', () => {
  const error = failure(() => loadConfig({ env: {}, flags: { 'gateway.prot': 80 } }));
  expect(error.message).toContain('prot');
});

test('what is wrong in the file is told with the name of the file', () => {
  const dir = mkdtempSync(join(tmpdir(), 'penstock-config-'));
  const file = join(dir, 'penstock.json');
  for (const [content, wrong] of [
    [{ gateway: { prot: 80 } }, 'prot'],
    [{ gateway: { port: 70_000 } }, 'gateway.port'],
  ] as const) {
    writeFileSync(file, JSON.stringify(content));
    const { message } = failure(() => loadConfig({ env: { PENSTOCK_CONFIG: file, PENSTOCK_ADMIN_PORT: '1' } }));
    expect(message).toContain(wrong);
    expect(message).toContain(`(from PENSTOCK_CONFIG ${file})`);
  }
  rmSync(dir, { recursive: true });
});

test.each([
  ['PENSTOCK_PROT', 'PENSTOCK_PORT'],
  ['PENSTOCK_ERASE_LISTS', 'PENSTOCK_ERASE_LIST'],
  ['PENSTOCK_ADMIN_TOKN', 'PENSTOCK_ADMIN_TOKEN'],
  ['PENSTOCK_COMFIG', 'PENSTOCK_CONFIG'],
])('a slip in the name of a variable (%s) is an error that names the one that was meant', (name, meant) => {
  const { code, message } = failure(() => loadConfig({ env: { [name]: 'x' } }));
  expect(code).toBe('PS_CONFIG_INVALID');
  expect(message).toContain(name);
  expect(message).toContain(meant);
});

test.each([
  ['PENSTOCK_GATEWAY_PORT', '8085', 'PENSTOCK_PORT'],
  ['PENSTOCK_GATEWAY_ERASE_LIST', '/etc/erased', 'PENSTOCK_ERASE_LIST'],
  ['PENSTOCK_GATEWAY_HOT_VISITORS', '{}', 'PENSTOCK_HOT_VISITORS'],
  ['PENSTOCK_SERVICE_BUS_CONNECTION_STRING', 'Endpoint=…', 'PENSTOCK_SERVICEBUS_CONNECTION_STRING'],
  ['PENSTOCK_RETENTION_CAMPAIGN_WEBHOOK_URL', 'http://x', 'PENSTOCK_RETENTION_WEBHOOK_URL'],
])('so is a variable that is named like the key in the file (%s)', (name, value, meant) => {
  const { code, message } = failure(() => loadConfig({ env: { [name]: value } }));
  expect(code).toBe('PS_CONFIG_INVALID');
  expect(message).toBe(`${name}: there is no such variable; did you mean ${meant}?`);
});

test('a file may begin with the byte order mark that some editors write', () => {
  const dir = mkdtempSync(join(tmpdir(), 'penstock-config-'));
  const file = join(dir, 'penstock.json');
  writeFileSync(file, '\uFEFF{"gateway":{"port":81}}');
  expect(loadConfig({ env: { PENSTOCK_CONFIG: file } }).gateway.port).toBe(81);
  rmSync(dir, { recursive: true });
});

test('variables of others that begin with PENSTOCK_ are left alone, such as those of Kubernetes', () => {
  const env = {
    PENSTOCK_SERVICE_HOST: '10.0.0.1',
    PENSTOCK_GATEWAY_PORT: 'tcp://10.0.0.1:80',
    PENSTOCK_HOME: '/opt/penstock',
    ENSTOCK_PORT: '1',
  };
  expect(loadConfig({ env })).toEqual(loadConfig({ env: {} }));
});

test('values that contradict each other are both named', () => {
  const env = { PENSTOCK_SERVICEBUS_CONNECTION_STRING: 'Endpoint=sb://x/', PENSTOCK_SERVICEBUS_NAMESPACE: 'x' };
  const error = failure(() => loadConfig({ env }));
  expect(error.message).toContain('serviceBus.connectionString');
  expect(error.message).toContain('serviceBus.namespace');
});

describe('a connection string', () => {
  const KEY = 'SharedAccessKeyName=root;SharedAccessKey=c2VjcmV0';

  test.each([
    ['PENSTOCK_EVENTHUBS_CONNECTION_STRING', 'eventHubs', 'clicks'],
    ['PENSTOCK_SERVICEBUS_CONNECTION_STRING', 'serviceBus', 'events'],
  ])('of another entity than is used (%s) is an error that does not show its key', (name, service, used) => {
    const load = (entity: string) =>
      loadConfig({ env: { [name]: `Endpoint=sb://x.servicebus.windows.net/;${KEY};EntityPath=${entity}` } });
    expect(load(used)[service as 'eventHubs'].connectionString).toContain(`EntityPath=${used}`);
    const { code, message } = failure(() => load('other'));
    expect([code, message]).toEqual([
      'PS_CONFIG_INVALID',
      `${service}.connectionString: it is for other alone, and ${used} is used`,
    ]);
  });

  test('of one hub is an error where events are led to another one too', () => {
    const env = {
      PENSTOCK_EVENTHUBS_CONNECTION_STRING: `Endpoint=sb://x/;${KEY};EntityPath=clicks`,
      PENSTOCK_ROUTES: '[{"match":{"type":"view"},"to":"hub:views"},{"match":{"type":"*"},"to":"hub:clicks"}]',
    };
    expect(failure(() => loadConfig({ env })).message).toContain('it is for clicks alone, and views is used');
  });

  test.each(['nonsense', 'sb://x.servicebus.windows.net/', `Endpoint=;${KEY}`])('%s is none', (value) => {
    const { code, message } = failure(() => loadConfig({ env: { PENSTOCK_SERVICEBUS_CONNECTION_STRING: value } }));
    expect(code).toBe('PS_CONFIG_INVALID');
    expect(message).toContain('serviceBus.connectionString: ');
    expect(message).not.toContain('c2VjcmV0');
  });
});

test('a spool keeps nothing for as long as the topic knows an order', () => {
  const load = (ageMs: number) => loadConfig({ env: { PENSTOCK_SPOOL: JSON.stringify({ ageMs }) } });
  expect(load(13 * 3_600_000 - 1).gateway.spool.ageMs).toBe(13 * 3_600_000 - 1);
  expect(failure(() => load(13 * 3_600_000)).message).toContain('gateway.spool.ageMs');
});

test.each(['a key with spaces', 'schlüssel-geheim'])('%s is no write key: no header can carry it', (writeKey) => {
  const error = failure(() => loadConfig({ env: { PENSTOCK_SOURCES: JSON.stringify([{ name: 'a', writeKey }]) } }));
  expect(error.message).toContain('gateway.sources.0.writeKey: ');
});

test('the admin port needs a token on an address that is not loopback', () => {
  const env = { PENSTOCK_ADMIN_HOST: '0.0.0.0' };
  expect(failure(() => loadConfig({ env })).message).toContain('admin.token');
  expect(loadConfig({ env: { ...env, PENSTOCK_ADMIN_TOKEN: 'a-long-enough-token' } }).admin.host).toBe('0.0.0.0');
});

test('two sources cannot share a write key, and the error does not show it', () => {
  const sources = [
    { name: 'one', writeKey: 'the-same-key' },
    { name: 'two', writeKey: 'the-same-key' },
  ];
  const error = failure(() => loadConfig({ env: { PENSTOCK_SOURCES: JSON.stringify(sources) } }));
  expect(error.message).toContain('writeKey');
  expect(error.message).not.toContain('the-same-key');
});

test('routes that nobody gave lead to the configured topic and hub', () => {
  const { routes } = loadConfig({
    env: { PENSTOCK_SERVICEBUS_TOPIC: 'orders', PENSTOCK_EVENTHUBS_HUB: 'views' },
  }).gateway;
  expect(routes[0]).toEqual({ match: { type: 'purchase' }, to: 'topic:orders' });
  expect(routes.at(-1)).toEqual({ match: { type: '*' }, to: 'hub:views' });
  const own = [{ match: { type: '*' }, to: 'hub:all' }];
  expect(loadConfig({ env: { PENSTOCK_ROUTES: JSON.stringify(own) } }).gateway.routes).toEqual(own);
});
