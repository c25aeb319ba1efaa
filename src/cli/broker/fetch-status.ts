import { createHmac } from 'node:crypto';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { text as textOf } from 'node:stream/consumers';
import type { BrokerStatus } from '../../broker/index.js';
import { systemClock } from '../../shared/clock.js';
import { messageOf } from '../../shared/errors.js';
import { BrokerCommandError } from './errors.js';
import type { FoundBroker } from './find.js';

const TIMEOUT_MS = 10_000;

const unreachable = (origin: string, detail: string, cause?: unknown) =>
  new BrokerCommandError('PS_BROKER_UNREACHABLE', `no Penstock broker answers at ${origin}: ${detail}`, { cause });

const TOKEN_SECONDS = 300;

/** What the connection string says of the broker's HTTP. */
function addressOf(connectionString: string) {
  const part = (name: string) =>
    new RegExp(`(?:^|;)\\s*${name}=([^;]*)`, 'i').exec(connectionString)?.[1]?.trim() ?? '';
  const plain = part('UseDevelopmentEmulator').toLowerCase() === 'true';
  const authority = /^[a-z]+:\/\/([^/]+)/i.exec(part('Endpoint'))?.[1] ?? '';
  const origin = `${plain ? 'http' : 'https'}://${authority}`;
  return { origin, keyName: part('SharedAccessKeyName'), key: part('SharedAccessKey') };
}

/** A shared access signature: the key itself is not sent. */
function sign({ origin, keyName, key }: ReturnType<typeof addressOf>, nowMs: number): string {
  const resource = encodeURIComponent(`${origin}/`);
  const expiry = Math.round(nowMs / 1000) + TOKEN_SECONDS;
  const signature = createHmac('sha256', key).update(`${resource}\n${expiry}`).digest('base64');
  const [sig, skn] = [encodeURIComponent(signature), encodeURIComponent(keyName)];
  return `SharedAccessSignature sr=${resource}&sig=${sig}&se=${expiry}&skn=${skn}`;
}

export interface BrokerAnswer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

/**
 * What the broker answers to a GET over HTTP on its own port.
 * @throws BrokerCommandError PS_BROKER_UNREACHABLE when nothing answers
 */
export async function askBroker(
  { connectionString, ca }: FoundBroker,
  path: string,
  timeoutMs = TIMEOUT_MS,
): Promise<BrokerAnswer> {
  const address = addressOf(connectionString);
  const { origin } = address;
  if (!URL.canParse(origin)) throw unreachable(origin, 'the connection string has no endpoint');
  const url = new URL(path, origin);
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const authorization = sign(address, systemClock.now());
  const options = { headers: { authorization }, timeout: timeoutMs, agent: false as const, ...(ca ? { ca } : {}) };
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const sent = request(url, options, resolve);
      sent.on('timeout', () => sent.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)));
      sent.on('error', reject);
      sent.end();
    });
    return { status: response.statusCode ?? 0, headers: response.headers, text: await textOf(response) };
  } catch (cause) {
    throw unreachable(origin, messageOf(cause) || String((cause as NodeJS.ErrnoException).code), cause);
  }
}

/**
 * What a broker shows of itself.
 * @throws BrokerCommandError PS_BROKER_UNREACHABLE when none answers, or something else does
 */
export async function fetchStatus(broker: FoundBroker): Promise<BrokerStatus> {
  const { status, text } = await askBroker(broker, '/status');
  const { origin } = addressOf(broker.connectionString);
  if (status !== 200) throw unreachable(origin, `status ${status}`);
  try {
    return JSON.parse(text) as BrokerStatus;
  } catch (cause) {
    throw unreachable(origin, 'the answer is not a status', cause);
  }
}
