import { parseJson } from '../pipeline/parse.js';
import { Problem } from '../problem.js';
import { fieldsOf, textOf } from './fields.js';
import { refusalOf, replyOf } from './outcome.js';
import type { Protocol } from './protocol.js';
import { KINDS, mapItem } from './segment.js';

/** Jitsu's `/api/s/:type`: one message of Segment's, whose key is mostly in `X-Write-Key`. */
export const jitsu: Protocol = {
  name: 'jitsu',
  routes: [
    {
      method: 'POST',
      paths: ['/api/s/:type', '/api/s/s2s/:type'],
      map({ params }, body) {
        const parsed = parseJson(body);
        if (parsed instanceof Problem) return parsed;
        const message = fieldsOf(parsed.value);
        if (message === undefined) return new Problem('PS_BODY_NOT_EVENTS', 'Send one message as a JSON object');
        const type = KINDS.has(params['type']) ? params['type'] : message['type'];
        // The SDK sends the key masked (`id:***`) in the body; some senders have it there whole.
        const key = textOf(message['writeKey']);
        return { items: [mapItem({ ...message, type }, {})], writeKey: key?.endsWith('***') ? undefined : key };
      },
      // Its SDK never sends again, and wants JSON.
      answer: (results) => replyOf(results, { ok: true }),
      refuse: refusalOf,
    },
  ],
};
