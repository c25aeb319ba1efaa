import { createHmac } from 'node:crypto';
import rhea from 'rhea';
import { systemClock } from '../../../../src/shared/clock.js';
import {
  attachReceiver,
  attachSender,
  begin,
  type FrameClient,
  flow,
  keyOf,
  transfer,
} from '../../../helpers/frame-client.js';
import { answered, expected, type Hostile, known, stranger, type Target, using } from './hostile.js';
import { refusedAttach } from './links.js';

interface Signing {
  readonly audience: string;
  readonly endS: number;
  readonly key?: string;
}

function sign({ connectionString }: Target, { audience, endS, key }: Signing): string {
  const own = keyOf(connectionString);
  const resource = encodeURIComponent(audience);
  const signature = createHmac('sha256', key ?? own.key)
    .update(`${resource}\n${endS}`)
    .digest('base64');
  return `SharedAccessSignature sr=${resource}&sig=${encodeURIComponent(signature)}&se=${endS}&skn=${own.name}`;
}

const encode = (message: object): Buffer => rhea.message.encode(message as never) as unknown as Buffer;

/** Sends a request to a node and answers the application properties of what comes back. */
async function ask(client: FrameClient, node: string, message: object): Promise<Record<string, unknown>> {
  client.send(begin(), 5);
  client.send(attachSender(0, node), 5);
  client.send(attachReceiver(1, node, { name: 'answers' }), 5);
  client.send(flow({ handle: 1, delivery_count: 0, link_credit: 10 }), 5);
  client.send(transfer(0, 0), 5, encode({ message_id: 'm', reply_to: 'answers', ...message }));
  const reply = await answered(`an answer of ${node}`, client.await('transfer'));
  const { application_properties } = rhea.message.decode(reply.payload as never) as never;
  return application_properties;
}

const putToken = (client: FrameClient, audience: string, token: unknown) =>
  ask(client, '$cbs', {
    application_properties: { operation: 'put-token', type: 'servicebus.windows.net:sastoken', name: audience },
    body: token,
  });

const nowS = (): number => Math.floor(systemClock.now() / 1000);

export const wrongTokens: Hostile = (target) =>
  using(stranger(target), async (client) => {
    const audience = `sb://localhost:${target.port}/abused`;
    const later = nowS() + 3600;
    const token = target.random.pick([
      sign(target, { audience, endS: later, key: 'guessed' }),
      sign(target, { audience, endS: nowS() - 10 }),
      sign(target, { audience: `sb://localhost:${target.port}/jail`, endS: later }),
      'SharedAccessSignature sr=&sig=&se=&skn=',
      'no token at all',
      'SharedAccessSignature '.repeat(200),
    ]);
    const { 'status-code': status } = await putToken(client, audience, token);
    expected('a token that is not good', String(status), '401');
    client.send(begin(), 1);
    return expected(
      'a link without a token',
      await refusedAttach(client, attachSender(0, 'abused')),
      'amqp:unauthorized-access',
    );
  });

export const oddTokens: Hostile = (target) =>
  using(stranger(target), async (client) => {
    const body = target.random.pick([17, null, { a: 1 }, Buffer.alloc(10), ['x']]);
    const { 'status-code': status } = await putToken(client, 'sb://x', body);
    return expected('a token that is no text', String(status), '400');
  });

/** A token is for its entity alone. */
export const tokenForAnother: Hostile = (target) =>
  using(stranger(target), async (client) => {
    const audience = `sb://localhost:${target.port}/abused`;
    const { 'status-code': status } = await putToken(client, audience, sign(target, { audience, endS: nowS() + 3600 }));
    expected('a good token', String(status), '202');
    client.send(begin(), 1);
    const attach = target.random.chance(0.5) ? attachSender(0, 'jail') : attachReceiver(0, 'orders');
    return expected("another entity's link", await refusedAttach(client, attach), 'amqp:unauthorized-access');
  });

const FILTERS = [
  'a ===',
  "x = 'open",
  '((((1',
  'a IN ()',
  'NOT',
  `${'('.repeat(5000)}1`,
  'x LIKE 5 ESCAPE',
  '\u0000',
  '',
];

export const badRules: Hostile = (target) =>
  using(known(target), async (client) => {
    const expression = target.random.pick(FILTERS) as string;
    const { statusCode } = await ask(client, 'news/Subscriptions/all/$management', {
      application_properties: { operation: 'com.microsoft:add-rule' },
      body: { 'rule-name': 'bad', 'rule-description': { 'sql-filter': { expression } } },
    });
    return expected(`the filter ${expression.slice(0, 20)}`, String(statusCode), '400');
  });

const SELECTOR = 'apache.org:selector-filter:string';
const selectors = [
  "amqp.annotation.x-opt-offset > 'x'",
  'TRUE',
  "amqp.annotation.x-opt-sequence-number >> '1'",
  '',
  'x'.repeat(9000),
];

export const badSelectors: Hostile = (target) =>
  using(known(target), async (client) => {
    const text = target.random.pick(selectors) as string;
    const filter = { [SELECTOR]: rhea.types.wrap_described(text, 0x468c00000004 as never) };
    client.send(begin(), 1);
    const attach = attachReceiver(0, 'events/ConsumerGroups/abuse/Partitions/0', { filter });
    return expected(`the selector ${text.slice(0, 20)}`, await refusedAttach(client, attach), 'amqp:invalid-field');
  });

const REQUESTS: readonly object[] = [
  { application_properties: { operation: 'no-such-operation' }, body: {} },
  { application_properties: { operation: 'com.microsoft:peek-message' }, body: { 'message-count': 'x' } },
  { application_properties: { operation: 'com.microsoft:renew-lock' }, body: { 'lock-tokens': [1, 2, 3] } },
  { application_properties: { operation: 'com.microsoft:update-disposition' }, body: 'no map' },
  { application_properties: { operation: 'com.microsoft:schedule-message' }, body: { messages: [{ message: 5 }] } },
  {
    application_properties: { operation: 'com.microsoft:receive-by-sequence-number' },
    body: { 'sequence-numbers': [] },
  },
  { body: {} },
];

export const badRequests: Hostile = (target) =>
  using(known(target), async (client) => {
    const { statusCode } = await ask(client, 'abused/$management', target.random.pick(REQUESTS) as object);
    return expected('a bad request', String(statusCode), '400', '404', '501');
  });
