import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createRetentionCampaign } from '../../../src/consumers/retention-campaign/retention-campaign.js';
import type { MessageVerdict, ReceivedMessage } from '../../../src/messaging/index.js';
import { createLogger } from '../../../src/shared/logger.js';
import { createManualClock, type ManualClock } from '../../helpers/manual-clock.js';
import { waitFor } from '../../helpers/wait.js';

let server: Server;
let webhookUrl: string;
let answer: number | 'none' | 'redirect' = 200;
const requests: { headers: IncomingHttpHeaders; body: string }[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      requests.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
      if (answer === 'none') return;
      if (answer === 'redirect') response.setHeader('location', '/elsewhere');
      response.writeHead(answer === 'redirect' ? 307 : answer).end('{"said":"something"}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  webhookUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/churners`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

let clock: ManualClock;
beforeEach(() => {
  clock = createManualClock();
  requests.length = 0;
});

function campaign(options: { url?: string; timeoutMs?: number } = {}) {
  return createRetentionCampaign(
    { clock, random: () => 0.5, logger: createLogger('test', 'silent'), fetch },
    { webhookUrl: options.url ?? webhookUrl, timeoutMs: options.timeoutMs ?? 5_000 },
  );
}

const message = (deliveryCount = 0): ReceivedMessage => ({
  messageId: 'churn_scored:u1',
  sequenceNumber: '1',
  enqueuedAtMs: clock.now(),
  deliveryCount,
  lockedUntilMs: clock.now() + 60_000,
  body: Buffer.from('{"id":"e1","data":{"userId":"u1"}}'),
  applicationProperties: {},
});

/** The verdict, and how much (virtual) time passed before it: it passes when the webhook is done with. */
async function settle(verdict: Promise<MessageVerdict>): Promise<{ verdict: MessageVerdict; waitedMs: number }> {
  const startMs = clock.now();
  let result: MessageVerdict | undefined;
  void verdict.then((value) => {
    result = value;
  });
  await waitFor('the wait', () => clock.pending > 0);
  while (result === undefined) {
    clock.advance(500);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return { verdict: result as unknown as MessageVerdict, waitedMs: clock.now() - startMs };
}

test('a churner is posted as JSON with its message id as key, and completed when the webhook said so', async () => {
  answer = 202;
  expect(await campaign().handle(message())).toEqual({ outcome: 'complete' });
  expect(requests).toHaveLength(1);
  expect(requests[0]?.body).toBe('{"id":"e1","data":{"userId":"u1"}}');
  expect(requests[0]?.headers).toMatchObject({
    'content-type': 'application/json',
    'idempotency-key': 'churn_scored:u1',
  });
});

test.each([500, 503, 429, 408, 'redirect' as const])('an answer of %s is tried again, later', async (status) => {
  answer = status;
  const { verdict, waitedMs } = await settle(campaign().handle(message()));
  expect(verdict).toEqual({ outcome: 'abandon' });
  expect(waitedMs).toBeGreaterThanOrEqual(1_000);
  expect(requests).toHaveLength(1);
});

test('each further delivery waits longer, but never past the lock', async () => {
  answer = 500;
  const waits: number[] = [];
  for (const deliveryCount of [0, 2, 9]) waits.push((await settle(campaign().handle(message(deliveryCount)))).waitedMs);
  expect(waits[1]).toBeGreaterThan(waits[0] as number);
  expect(waits[2]).toBeGreaterThan(waits[1] as number);
  const short = { ...message(9), lockedUntilMs: clock.now() + 5_000 };
  expect((await settle(campaign().handle(short))).waitedMs).toBeLessThanOrEqual(3_500);
});

test.each([400, 404, 410, 422])(
  'an answer of %s is final: the message is dead-lettered with the reason',
  async (status) => {
    answer = status;
    expect(await campaign().handle(message())).toEqual({
      outcome: 'dead-letter',
      reason: 'WebhookRefused',
      description: `the webhook answered ${status}`,
    });
  },
);

test('a webhook that does not answer in time, or is not there, is tried again', async () => {
  answer = 'none';
  expect((await settle(campaign({ timeoutMs: 50 }).handle(message()))).verdict).toEqual({ outcome: 'abandon' });
  const nobody = 'http://127.0.0.1:1/';
  expect((await settle(campaign({ url: nobody }).handle(message()))).verdict).toEqual({ outcome: 'abandon' });
});

test('stopping ends a request and a wait at once', async () => {
  answer = 'none';
  const asking = campaign();
  const asked = asking.handle(message());
  await waitFor('the request', () => requests.length === 1);
  asking.abort?.();
  expect(await asked).toEqual({ outcome: 'abandon' });

  answer = 500;
  const waiting = campaign();
  const waited = waiting.handle(message());
  await waitFor('the wait', () => clock.pending > 0);
  waiting.abort?.();
  expect(await waited).toEqual({ outcome: 'abandon' });
});
