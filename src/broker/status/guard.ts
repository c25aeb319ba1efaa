import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { type SasKeys, verifySasToken } from '../security/index.js';

/** Whether a request may see the broker from inside. */
export type Guard = (request: IncomingMessage, url: URL) => 'admitted' | 'unauthorized' | 'forbidden';

const isLoopback = (address: string | undefined) =>
  address !== undefined && (address === '::1' || /^(?:::ffff:)?127(?:\.\d{1,3}){3}$/.test(address));

const namesThisMachine = (hostname: string) =>
  hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname);

const digest = (text: string) => createHash('sha256').update(text, 'utf8').digest();

/** A browser asks its user for name and key of an access key; Prometheus is given them as basic_auth. */
function provesKey(header: string, keys: SasKeys): boolean {
  const encoded = /^Basic +([A-Za-z0-9+/=]{1,1024})$/i.exec(header)?.[1];
  if (encoded === undefined) return false;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  const expected = keys.get(text.slice(0, Math.max(0, colon)));
  // Compared also when there is no such name, so that names cannot be told by time.
  const same = timingSafeEqual(digest(text.slice(colon + 1)), digest(expected ?? ''));
  return same && expected !== undefined;
}

/**
 * From this machine nothing is asked; but the request has to name it, since a web page elsewhere that points its own
 * name at 127.0.0.1 (DNS rebinding) still sends its name. From elsewhere a key is needed, shown or signed with.
 * @param managers the keys with the right Manage
 */
export function createGuard(managers: SasKeys, now: () => number): Guard {
  return (request, url) => {
    const { authorization, origin } = request.headers;
    if (origin !== undefined && !(URL.canParse(origin) && new URL(origin).host === url.host)) return 'forbidden';
    if (authorization !== undefined) {
      const signed = verifySasToken(authorization, { audience: url.href, keys: managers, nowMs: now() }).kind === 'ok';
      return signed || provesKey(authorization, managers) ? 'admitted' : 'unauthorized';
    }
    if (!isLoopback(request.socket.remoteAddress)) return 'unauthorized';
    return namesThisMachine(url.hostname) ? 'admitted' : 'forbidden';
  };
}
