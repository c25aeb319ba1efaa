import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServiceBusClient } from '@azure/service-bus';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startBrokerProcess } from '../helpers/broker-process.js';
import { startAdministrationClient } from './admin/administration-client.js';

/**
 * One attempt each, and all the time that a slow machine takes for it. What still waits for an answer of a broker that was
 * killed waits for a minute: nobody waits for that, and nothing that was accepted comes by then.
 */
const noRetries = { retryOptions: { maxRetries: 0 } };
const SESSIONS = Array.from({ length: 6 }, (_, index) => `session-${index}`);
const ENOUGH = 150;
/** Sent last of all. */
const END = 1_000_000;

describe('a broker that is killed under sessions', () => {
  let dataDir: string;
  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'penstock-crash-'));
  });
  afterEach(() => rm(dataDir, { recursive: true, force: true }));

  it('has every accepted message of each session in order, no completed one, and the last state that was kept', async () => {
    /** By session: numbers that were accepted, that may be completed, and that are, and the states that it may have. */
    const bySession = () => new Map<string, number[]>(SESSIONS.map((id) => [id, []]));
    const [accepted, tried, completed] = [bySession(), bySession(), bySession()];
    const states = new Map<string, unknown[]>(SESSIONS.map((id) => [id, [null]]));
    let broker = await startBrokerProcess(dataDir);
    const admin = startAdministrationClient(broker.connectionString, broker.caFile);
    expect((await admin.call('createQueue', 'baskets', { requiresSession: true })).error).toBeUndefined();
    admin.close();
    let client = new ServiceBusClient(broker.connectionString, noRetries);
    let enough = () => {};
    const underLoad = new Promise<void>((resolve) => {
      enough = resolve;
    });

    const sender = client.createSender('baskets');
    let number = 0;
    async function send(): Promise<void> {
      const body = number++;
      await sender.sendMessages(SESSIONS.map((sessionId) => ({ sessionId, body })));
      for (const sessionId of SESSIONS) accepted.get(sessionId)?.push(body);
    }
    async function consumeSession(): Promise<void> {
      const sending = send();
      // Looked at below, and until then by nobody.
      sending.catch(() => {});
      const receiver = await client.acceptNextSession('baskets');
      const { sessionId } = receiver;
      for (const message of await receiver.receiveMessages(4, { maxWaitTimeInMs: 100 })) {
        const number = message.body as number;
        tried.get(sessionId)?.push(number);
        await receiver.completeMessage(message);
        completed.get(sessionId)?.push(number);
        states.get(sessionId)?.push(number);
        await receiver.setSessionState(number);
        states.set(sessionId, [number]);
      }
      if ([...completed.values()].flat().length > ENOUGH) enough();
      await receiver.close();
      await sending;
    }
    let killed = false;
    // Some of these wait for an answer for a minute; what had come is counted by then. On a slow machine an answer may be late.
    const consume = async () => {
      while (!killed) await consumeSession().catch(() => {});
    };
    void Promise.all([consume(), consume(), consume()]);
    await underLoad;
    killed = true;
    await broker.kill();
    void client.close().catch(() => {});

    broker = await startBrokerProcess(dataDir);
    client = new ServiceBusClient(broker.connectionString);
    await client.createSender('baskets').sendMessages(SESSIONS.map((sessionId) => ({ sessionId, body: END })));
    for (const sessionId of SESSIONS) {
      const receiver = await client.acceptSession('baskets', sessionId);
      expect(states.get(sessionId)).toContain(await receiver.getSessionState());
      const wanted = accepted.get(sessionId) as number[];
      const done = completed.get(sessionId) as number[];
      const left: number[] = [];
      while (left.at(-1) !== END) {
        for (const message of await receiver.receiveMessages(1, { maxWaitTimeInMs: 2000 })) {
          left.push(message.body as number);
          await receiver.completeMessage(message);
        }
      }
      expect(left).toEqual([...left].sort((a, b) => a - b));
      expect(new Set(left).size).toBe(left.length);
      expect(left.filter((number) => done.includes(number))).toEqual([]);
      // What was on its way when it was killed may be there or be completed; nothing else is missing.
      const gone = tried.get(sessionId) as number[];
      expect(wanted.filter((number) => !left.includes(number) && !gone.includes(number))).toEqual([]);
      await receiver.close();
    }
    await client.close();
    expect(await broker.stop()).toBe(0);
  });
});
