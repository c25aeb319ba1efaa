import type { Clock } from '../../shared/clock.js';
import { Problem } from '../problem.js';
import type { Client, Credentials } from './client.js';
import type { IngestRequest } from './ingest.js';
import type { Sender } from './sender.js';

/** Lets a request in when its key is good, its page may use it, and its sender has not had too much already. */
export function createAdmit(clock: Clock, authenticate: (credentials: Credentials) => Sender | Problem) {
  return function admit(client: Client): IngestRequest | Problem {
    const sender = authenticate(client.credentials);
    if (sender instanceof Problem) return sender;

    const { origins, rates } = sender;
    // Without an origin it is no script of a page: a server, an app, or a picture.
    if (origins !== undefined && client.origin !== undefined && !origins.has(client.origin))
      return new Problem('PS_ORIGIN_NOT_ALLOWED', 'The source of this write key lists the origins that may use it');

    // Before its body is read; what its events cost is known when they are counted.
    const refusal = rates?.look(client.address, clock.now());
    return refusal ?? { sender, client, context: sender.contextOf(client) };
  };
}
