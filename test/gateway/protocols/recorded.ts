import { readFileSync } from 'node:fs';
import type { InjectOptions } from 'fastify';

/** A request as an SDK has sent it, in `recorded/<protocol>.json`. */
interface RecordedRequest {
  readonly name: string;
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** A body that is no text. */
  readonly bodyBase64?: string;
}

/** The requests that were recorded of a protocol, by name, for `app.inject()`. */
export function readRecorded(protocol: string): (name: string) => InjectOptions & { payload: string | Buffer } {
  const file = new URL(`./recorded/${protocol}.json`, import.meta.url);
  const requests = JSON.parse(readFileSync(file, 'utf8')) as RecordedRequest[];
  return (name) => {
    const found = requests.find((request) => request.name === name);
    if (found === undefined) throw new Error(`${protocol}.json has no request "${name}"`);
    const { method, url, headers, body = '', bodyBase64 } = found;
    return {
      method,
      url,
      headers: { ...headers },
      payload: bodyBase64 === undefined ? body : Buffer.from(bodyBase64, 'base64'),
    };
  };
}
