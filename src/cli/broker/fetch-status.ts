import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { BrokerStatus } from '../../broker/index.js';
import { messageOf } from '../../shared/errors.js';
import { BrokerCommandError } from './errors.js';
import type { FoundBroker } from './find.js';

const TIMEOUT_MS = 10_000;

const unreachable = (origin: string, detail: string, cause?: unknown) =>
  new BrokerCommandError('PS_BROKER_UNREACHABLE', `no Penstock broker answers at ${origin}: ${detail}`, { cause });

/** What the connection string says of the broker's HTTP. */
function addressOf(connectionString: string) {
  const part = (name: string) =>
    new RegExp(`(?:^|;)\\s*${name}=([^;]*)`, 'i').exec(connectionString)?.[1]?.trim() ?? '';
  const plain = part('UseDevelopmentEmulator').toLowerCase() === 'true';
  const authority = /^[a-z]+:\/\/([^/]+)/i.exec(part('Endpoint'))?.[1] ?? '';
  const credentials = Buffer.from(`${part('SharedAccessKeyName')}:${part('SharedAccessKey')}`).toString('base64');
  return { origin: `${plain ? 'http' : 'https'}://${authority}`, authorization: `Basic ${credentials}` };
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/**
 * What a broker shows of itself.
 * @throws BrokerCommandError PS_BROKER_UNREACHABLE when none answers, or something else does
 */
export async function fetchStatus({ connectionString, ca }: FoundBroker): Promise<BrokerStatus> {
  const { origin, authorization } = addressOf(connectionString);
  if (!URL.canParse(origin)) throw unreachable(origin, 'the connection string has no endpoint');
  const url = new URL('/status', origin);
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const options = { headers: { authorization }, timeout: TIMEOUT_MS, agent: false as const, ...(ca ? { ca } : {}) };
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const sent = request(url, options, resolve);
    sent.on('timeout', () => sent.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)));
    sent.on('error', reject);
    sent.end();
  }).catch((cause: unknown) => {
    throw unreachable(origin, messageOf(cause) || String((cause as NodeJS.ErrnoException).code), cause);
  });
  const text = await textOf(response);
  if (response.statusCode !== 200) throw unreachable(origin, `status ${response.statusCode}`);
  try {
    return JSON.parse(text) as BrokerStatus;
  } catch (cause) {
    throw unreachable(origin, 'the answer is not a status', cause);
  }
}
