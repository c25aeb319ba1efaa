import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAdminHandler } from '../../../src/broker/admin/index.js';
import { createPort, type Port } from '../../../src/broker/port/index.js';
import { createSasKeys, ensureCertificates, ensureKeys } from '../../../src/broker/security/index.js';
import { systemClock } from '../../../src/shared/clock.js';
import { type AdministrationClient, startAdministrationClient } from './administration-client.js';
import { createRegistry, random } from './registry.js';

const FOREVER = 'P10675199DT2H48M5.4775807S';

type Value = Record<string, unknown>;

let dir: string;
let port: Port;
let client: AdministrationClient;
let number: number;
let caFile: string;
const failures: unknown[] = [];

const startClient = (key: string) =>
  startAdministrationClient(
    `Endpoint=sb://localhost:${number};SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=${key};UseDevelopmentEmulator=true`,
    caFile,
  );

const value = async (method: string, ...args: unknown[]) => {
  const answer = await client.call(method, ...args);
  expect(answer.error).toBeUndefined();
  return answer.value as Value;
};
const values = async (method: string, ...args: unknown[]) => (await value(method, ...args)) as unknown as Value[];
const error = async (method: string, ...args: unknown[]) => (await client.call(method, ...args)).error;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'penstock-admin-'));
  const { rules, root } = ensureKeys(dir);
  const keys = createSasKeys(rules);
  const tls = await ensureCertificates(dir, ['localhost', '127.0.0.1', '::1'], Date.now());
  const onHttp = createAdminHandler(
    { namespace: createRegistry(Date.now), keys, now: Date.now, random, onError: (failure) => failures.push(failure) },
    { namespaceName: 'penstock' },
  );
  port = createPort(
    { clock: systemClock, onAmqp: (socket) => socket.destroy(), onHttp, onRefused: () => {}, onCut: () => {} },
    { host: 'localhost', port: 0, tls, maxConnections: 100 },
  );
  ({ port: number } = await port.start());
  caFile = tls.caFile;
  client = startClient(root.key);
});
afterAll(async () => {
  client.close();
  await port.stop({ deadlineMs: 0 });
  rmSync(dir, { recursive: true });
  expect(failures).toEqual([]);
});

describe('ServiceBusAdministrationClient, unmodified, over TLS', () => {
  it('reads what the namespace is', async () => {
    expect(await value('getNamespaceProperties')).toMatchObject({ name: 'penstock', messagingSku: 'Standard' });
  });

  it('creates a queue with defaults, and reads it', async () => {
    const created = await value('createQueue', 'plain');
    expect(created).toMatchObject({
      name: 'plain',
      lockDuration: 'PT1M',
      maxDeliveryCount: 10,
      defaultMessageTimeToLive: FOREVER,
      requiresDuplicateDetection: false,
      duplicateDetectionHistoryTimeWindow: 'PT10M',
      status: 'Active',
      availabilityStatus: 'Available',
    });
    expect(await value('getQueue', 'PLAIN')).toEqual(created);
  });

  it('creates a queue with all settings, changes it, and keeps what cannot change', async () => {
    const settings = {
      lockDuration: 'PT30S',
      maxDeliveryCount: 3,
      defaultMessageTimeToLive: 'P14D',
      deadLetteringOnMessageExpiration: true,
      requiresSession: true,
      requiresDuplicateDetection: true,
      duplicateDetectionHistoryTimeWindow: 'PT13H',
      forwardDeadLetteredMessagesTo: 'plain',
    };
    const created = await value('createQueue', 'path/like.name', settings);
    const expected = { ...settings, forwardDeadLetteredMessagesTo: `sb://localhost:${number}/plain` };
    expect(created).toMatchObject({ name: 'path/like.name', ...expected });
    const updated = await value('updateQueue', {
      ...created,
      maxDeliveryCount: 7,
      forwardDeadLetteredMessagesTo: undefined,
    });
    const { forwardDeadLetteredMessagesTo: _, ...kept } = expected;
    expect(updated).toMatchObject({ ...kept, maxDeliveryCount: 7 });
    expect(updated).not.toHaveProperty('forwardDeadLetteredMessagesTo');
    expect(await error('updateQueue', { ...updated, requiresSession: false })).toMatchObject({ statusCode: 400 });
  });

  it('keeps every setting of a queue and of a topic, and takes back what it gave', async () => {
    const key = Buffer.alloc(32, 1).toString('base64');
    const common = {
      maxSizeInMegabytes: 5120,
      enablePartitioning: true,
      enableExpress: true,
      enableBatchedOperations: false,
      autoDeleteOnIdle: 'PT1H',
      status: 'ReceiveDisabled',
      userMetadata: 'whose: <ours> & "theirs"',
      authorizationRules: [
        { claimType: 'SharedAccessKey', keyName: 'all', accessRights: ['Manage', 'Send', 'Listen'], primaryKey: key },
        { claimType: 'SharedAccessKey', keyName: 'send', accessRights: ['Send'], primaryKey: key, secondaryKey: key },
      ],
    };
    const rules = [
      { ...common.authorizationRules[0], secondaryKey: random.newKey() },
      { ...common.authorizationRules[1], primaryKey: key, secondaryKey: key },
    ];
    for (const [kind, more] of [
      ['Queue', { maxMessageSizeInKilobytes: 1024 }],
      ['Topic', { supportOrdering: false }],
    ] as const) {
      const created = await value(`create${kind}`, `full-${kind}`, { ...common, ...more });
      expect(created).toMatchObject({ ...common, ...more, authorizationRules: rules });
      expect(await value(`get${kind}`, `full-${kind}`)).toEqual(created);
      expect(await value(`update${kind}`, created)).toEqual(created);
      expect(await error(`update${kind}`, { ...created, enablePartitioning: false })).toMatchObject({
        statusCode: 400,
        message: expect.stringContaining('EnablePartitioning'),
      });
      const plain = await value(`update${kind}`, {
        ...created,
        userMetadata: '',
        status: 'Active',
        autoDeleteOnIdle: FOREVER,
        authorizationRules: [],
      });
      expect(plain).toMatchObject({ status: 'Active', autoDeleteOnIdle: FOREVER, maxSizeInMegabytes: 5120 });
      expect(plain).not.toHaveProperty('userMetadata');
      expect(plain).not.toHaveProperty('authorizationRules');
    }
  });

  it('tells what exists', async () => {
    expect(await value('queueExists', 'plain')).toBe(true);
    expect(await value('queueExists', 'nowhere')).toBe(false);
    expect(await value('topicExists', 'nowhere')).toBe(false);
    expect(await value('subscriptionExists', 'nowhere', 'x')).toBe(false);
    expect(await value('ruleExists', 'nowhere', 'x', 'y')).toBe(false);
  });

  it('shows what is inside a queue', async () => {
    const runtime = await value('getQueueRuntimeProperties', 'plain');
    expect(runtime).toMatchObject({
      name: 'plain',
      sizeInBytes: 1234,
      totalMessageCount: 15,
      activeMessageCount: 5,
      deadLetterMessageCount: 4,
      scheduledMessageCount: 3,
      transferMessageCount: 2,
      transferDeadLetterMessageCount: 1,
    });
    expect(Date.parse(runtime['createdAt'] as string)).toBeGreaterThan(Date.now() - 60_000);
  });

  it('lists more queues than fit a page, each once', async () => {
    const names = Array.from({ length: 101 }, (_, index) => `many-${String(index).padStart(3, '0')}`);
    for (const name of names) await value('createQueue', name);
    const listed = (await values('listQueues')).map((queue) => queue['name'] as string);
    expect(listed.filter((name) => name.startsWith('many-'))).toEqual(names);
    const runtime = await values('listQueuesRuntimeProperties');
    expect(runtime).toHaveLength(listed.length);
  });

  it('creates a topic with subscriptions, and lists and changes them', async () => {
    await value('createTopic', 'events', {
      requiresDuplicateDetection: true,
      duplicateDetectionHistoryTimeWindow: 'PT13H',
    });
    await value('createSubscription', 'events', 'audit');
    const created = await value('createSubscription', 'events', 'campaign', {
      lockDuration: 'PT5M',
      forwardTo: 'plain',
      status: 'SendDisabled',
      userMetadata: 'of the shop',
      autoDeleteOnIdle: 'P1D',
      enableBatchedOperations: false,
      defaultRuleOptions: { name: 'likely', filter: { sqlExpression: "type = 'churn_scored' AND churnScore >= 0.7" } },
    });
    expect(created).toMatchObject({
      topicName: 'events',
      subscriptionName: 'campaign',
      status: 'SendDisabled',
      userMetadata: 'of the shop',
      autoDeleteOnIdle: 'P1D',
      enableBatchedOperations: false,
      lockDuration: 'PT5M',
      forwardTo: `sb://localhost:${number}/plain`,
      deadLetteringOnFilterEvaluationExceptions: true,
    });
    const names = (list: Value[]) => list.map((one) => one['subscriptionName']);
    expect(names(await values('listSubscriptions', 'events'))).toEqual(['audit', 'campaign']);
    expect(names(await values('listSubscriptionsRuntimeProperties', 'events'))).toEqual(['audit', 'campaign']);
    expect(await value('updateSubscription', { ...created, maxDeliveryCount: 2 })).toMatchObject({
      maxDeliveryCount: 2,
    });
    expect(await value('getSubscription', 'events', 'campaign')).toMatchObject({
      maxDeliveryCount: 2,
      lockDuration: 'PT5M',
    });
    expect(await value('getSubscriptionRuntimeProperties', 'events', 'audit')).toMatchObject({ totalMessageCount: 15 });
    expect(await value('getTopicRuntimeProperties', 'events')).toMatchObject({ subscriptionCount: 2 });
    const topic = await value('getTopic', 'events');
    expect(topic).toMatchObject({ requiresDuplicateDetection: true, duplicateDetectionHistoryTimeWindow: 'PT13H' });
    expect(await value('updateTopic', { ...topic, defaultMessageTimeToLive: 'P7D' })).toMatchObject({
      defaultMessageTimeToLive: 'P7D',
    });
    expect((await values('listTopics')).map((one) => one['name'])).toEqual(['events', 'full-Topic']);
    expect((await values('listTopicsRuntimeProperties')).map((one) => one['name'])).toEqual(['events', 'full-Topic']);
  });

  it('keeps rules of every kind as they were given', async () => {
    expect(await values('listRules', 'events', 'campaign')).toMatchObject([
      { name: 'likely', filter: { sqlExpression: "type = 'churn_scored' AND churnScore >= 0.7" } },
    ]);
    expect(await values('listRules', 'events', 'audit')).toMatchObject([
      { name: '$Default', filter: { sqlExpression: '1=1' } },
    ]);

    const sql = { sqlExpression: 'a <> @a AND "b" < \'<&>\u00e9  \'', sqlParameters: { '@a': 'x', n: 1.5, yes: true } };
    const action = { sqlExpression: "SET sys.Label = 'a''b'; SET n = @n", sqlParameters: { n: 2.5 } };
    expect(await value('createRule', 'events', 'audit', 'sql', sql, action)).toMatchObject({
      name: 'sql',
      filter: sql,
      action,
    });
    const correlation = {
      correlationId: 'c & d',
      subject: 'label',
      applicationProperties: { country: 'SE', score: 0.5, at: { $date: '2026-01-02T03:04:05.000Z' } },
    };
    const rule = await value('createRule', 'events', 'audit', 'equal', correlation);
    expect(rule['filter']).toMatchObject({
      correlationId: 'c & d',
      subject: 'label',
      applicationProperties: { country: 'SE', score: 0.5, at: '2026-01-02T03:04:05.000Z' },
    });
    expect(await value('getRule', 'events', 'audit', 'equal')).toEqual(rule);

    const changed = { name: 'sql', filter: { sqlExpression: 'churnScore > 1' }, action: {} };
    expect((await value('updateRule', 'events', 'audit', changed))['filter']).toEqual({
      sqlExpression: 'churnScore > 1',
    });
    await value('deleteRule', 'events', 'audit', '$Default');
    expect((await values('listRules', 'events', 'audit')).map((one) => one['name'])).toEqual(['equal', 'sql']);
  });

  it('says what is wrong as Azure does', async () => {
    expect(await error('createQueue', 'plain')).toMatchObject({
      code: 'MessageEntityAlreadyExistsError',
      statusCode: 409,
    });
    expect(await error('createTopic', 'plain')).toMatchObject({ code: 'MessageEntityAlreadyExistsError' });
    expect(await error('getQueue', 'nowhere')).toMatchObject({ code: 'MessageEntityNotFoundError' });
    for (const call of [
      ['deleteQueue', 'nowhere'],
      ['updateQueue', { name: 'nowhere' }],
      ['getSubscription', 'events', 'nobody'],
      ['createSubscription', 'nowhere', 'nobody'],
      ['createRule', 'events', 'nobody', 'r', { sqlExpression: '1=1' }],
    ] as const) {
      const [method, ...args] = call;
      expect([method, await error(method, ...args)]).toMatchObject([
        method,
        { code: 'MessageEntityNotFoundError', statusCode: 404 },
      ]);
    }
    const wrong = await error('createRule', 'events', 'audit', 'wrong', { sqlExpression: 'a = ' });
    expect(wrong).toMatchObject({ code: 'ServiceError', statusCode: 400 });
    expect(wrong?.message).toContain('position 4');
    expect(wrong?.message).toMatch(
      /^SubCode=40000\. .* TrackingId:a-tracking-id, SystemTracker:penstock:.*, Timestamp:20/,
    );
    expect(await error('createQueue', 'anonymous', { maxMessageSizeInKilobytes: 2048 })).toMatchObject({
      statusCode: 400,
      message: expect.stringContaining('SubCode=40018'),
    });
    expect(await error('createQueue', 'lock', { lockDuration: 'a minute' })).toMatchObject({ statusCode: 400 });
  });

  it('deletes', async () => {
    await value('deleteSubscription', 'events', 'campaign');
    expect(await value('subscriptionExists', 'events', 'campaign')).toBe(false);
    await value('deleteTopic', 'events');
    await value('deleteQueue', 'plain');
    expect([await value('topicExists', 'events'), await value('queueExists', 'plain')]).toEqual([false, false]);
  });

  it('refuses a client with another key', async () => {
    const stranger = startClient('c3RyYW5nZXI=');
    const answer = await stranger.call('createQueue', 'theirs');
    stranger.close();
    expect(answer.error).toMatchObject({ code: 'UnauthorizedRequestError', statusCode: 401 });
    expect(await value('queueExists', 'theirs')).toBe(false);
  });
});
