import type { IncomingMessage } from 'node:http';
import { isLoopbackAddress } from '../../shared/loopback.js';
import { allows, rulesProvedBy, type SasKeys, verifySasToken } from '../security/index.js';

/** Whether a request may see the broker from inside. */
export type Guard = (request: IncomingMessage, url: URL) => 'admitted' | 'unauthorized' | 'forbidden';

const namesThisMachine = (hostname: string) =>
  hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname);

/** A browser asks its user for name and key of an access key; Prometheus is given them as basic_auth. */
function provesKey(header: string, keys: SasKeys): boolean {
  const encoded = /^Basic +([A-Za-z0-9+/=]{1,1024})$/i.exec(header)?.[1];
  if (encoded === undefined) return false;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  const rules = rulesProvedBy(keys, text.slice(0, Math.max(0, colon)), text.slice(colon + 1));
  return rules.some(({ rights }) => allows(rights, 'Manage'));
}

/**
 * The rules of the namespace. One of an entity shows nothing of the others; without this an entity that is named as one of
 * these pages would sign for it.
 */
const ofNamespace = (keys: SasKeys): SasKeys => ({
  named: (name) => keys.named(name).filter(({ scope }) => scope === ''),
});

/** A signature of a rule that may manage. */
function proves(header: string, url: URL, keys: SasKeys, nowMs: number): boolean {
  const outcome = verifySasToken(header, { audience: url.href, keys, nowMs });
  return outcome.kind === 'ok' && allows(outcome.rights, 'Manage');
}

/**
 * From this machine nothing is asked; but the request has to name it, since a web page elsewhere that points its own
 * name at 127.0.0.1 (DNS rebinding) still sends its name. From elsewhere a key is needed, shown or signed with.
 */
export function createGuard(all: SasKeys, now: () => number): Guard {
  const keys = ofNamespace(all);
  return (request, url) => {
    const { authorization, origin } = request.headers;
    if (origin !== undefined && !(URL.canParse(origin) && new URL(origin).host === url.host)) return 'forbidden';
    if (authorization !== undefined) {
      return proves(authorization, url, keys, now()) || provesKey(authorization, keys) ? 'admitted' : 'unauthorized';
    }
    if (!isLoopbackAddress(request.socket.remoteAddress)) return 'unauthorized';
    return namesThisMachine(url.hostname) ? 'admitted' : 'forbidden';
  };
}
