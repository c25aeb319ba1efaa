import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServiceBusClient } from '@azure/service-bus';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type BrokerProcess, startBrokerProcess } from '../../../helpers/broker-process.js';
import { connectController } from './controller.js';

const WORKERS = 3;
const SENDS = 3;
const SOURCE = 'events/Subscriptions/all';

/** A transaction as its client knows it: what it sent, what it completed, and what it was told. */
interface Known {
  readonly sent: readonly string[];
  readonly completed: string;
  outcome: 'committed' | 'rolled-back' | 'unknown';
}

let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'penstock-transactions-'));
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));

/** Ids of all messages of a subscription. */
async function idsIn(client: ServiceBusClient, subscription: string): Promise<string[]> {
  const receiver = client.createReceiver('events', subscription, { receiveMode: 'receiveAndDelete' });
  const ids: string[] = [];
  for (;;) {
    const messages = await receiver.receiveMessages(500, { maxWaitTimeInMs: 1000 });
    ids.push(...messages.map(({ messageId }) => String(messageId)));
    if (ids.at(-1) === 'last') return ids;
  }
}

/** Takes a message out of one subscription and sends others to the topic, in one transaction after the other. */
async function work(broker: BrokerProcess, worker: string, known: Known[], onCommit: () => void): Promise<void> {
  const controller = await connectController(broker.connectionString);
  for (let turn = 0; ; turn++) {
    const [received] = await controller.receive(SOURCE, 1);
    if (received === undefined) return;
    const id = await controller.declare();
    const sent = Array.from({ length: SENDS }, (_, index) => `${worker}-${turn}-${index}`);
    const completed = String(received.message['message_id']);
    const one: Known = { sent, completed, outcome: 'unknown' };
    known.push(one);
    for (const messageId of sent) await controller.send('events', { message_id: messageId, body: messageId }, id);
    await controller.settle(received.delivery, 'complete', id);
    const fail = turn % 5 === 4;
    const { condition } = await controller.discharge(id, fail);
    if (condition !== undefined) continue;
    one.outcome = fail ? 'rolled-back' : 'committed';
    if (!fail) onCommit();
  }
}

describe('a broker that is killed while transactions commit', () => {
  it('has every committed one whole, nothing of one that was rolled back, and each other whole or not at all', async () => {
    let broker = await startBrokerProcess(dataDir);
    const known: Known[] = [];
    for (let round = 0; round < 3; round++) {
      const client = new ServiceBusClient(broker.connectionString);
      const seeds = Array.from({ length: WORKERS }, (_, index) => `seed-${round}-${index}`);
      await client.createSender('events').sendMessages(seeds.map((messageId) => ({ messageId, body: messageId })));
      await client.close();
      let commits = 0;
      let enough = () => {};
      const underLoad = new Promise<void>((resolve) => {
        enough = resolve;
      });
      for (let worker = 0; worker < WORKERS; worker++) {
        // Each ends with its connection, in the middle of what it waits for.
        void work(broker, `${round}-${worker}`, known, () => {
          if (++commits === 40 + 17 * round) enough();
        }).catch(() => {});
      }
      await underLoad;
      await broker.kill();
      broker = await startBrokerProcess(dataDir);
    }

    const client = new ServiceBusClient(broker.connectionString);
    await client.createSender('events').sendMessages({ messageId: 'last', body: 'last' });
    const audit = await idsIn(client, 'audit');
    const all = await idsIn(client, 'all');
    expect(new Set(audit).size).toBe(audit.length);
    expect(new Set(all).size).toBe(all.length);
    const [inAudit, inAll] = [new Set(audit), new Set(all)];
    const gone = new Set<string>();
    for (const { sent, completed, outcome } of known) {
      const there = sent.filter((messageId) => inAudit.has(messageId)).length;
      const whole = outcome === 'unknown' ? [0, SENDS] : [outcome === 'committed' ? SENDS : 0];
      expect(whole).toContain(there);
      if (there === SENDS) gone.add(completed);
    }
    // What a transaction took out is gone exactly when what it sent is there.
    expect(audit.filter((messageId) => !inAll.has(messageId)).sort()).toEqual([...gone].sort());
    expect(known.filter(({ outcome }) => outcome === 'committed').length).toBeGreaterThan(100);
    await client.close();
    expect(await broker.stop()).toBe(0);
  });
});
