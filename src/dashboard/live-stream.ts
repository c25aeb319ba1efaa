import type { FastifyInstance, FastifyRequest } from 'fastify';
import { sendProblem } from '../shared/problem-answer.js';
import type { LiveFeed } from './live-feed.js';
import type { FeedMessage } from './live-history.js';
import { readStream } from './operations.js';

/** How long a browser waits before it comes back. */
const RECONNECT_MS = 2_000;
const NO_SEAT_RETRY_SECONDS = 10;

/**
 * `GET /api/live/stream`: server-sent events, each named after the kind of its message and with JSON as data. The
 * first is a `snapshot` of all live figures; a client that reconnects with the id of the last message it applied
 * (`Last-Event-ID`, or `lastEventId` in the query where headers cannot be set) gets what changed since, if this server
 * knows that id. 503 when every seat is taken.
 */
export function liveStream(app: FastifyInstance, feed: LiveFeed, onMessage: (kind: FeedMessage['kind']) => void): void {
  app.get('/api/live/stream', { exposeHeadRoute: false, config: { operation: readStream } }, (request, reply) => {
    const { raw } = reply;
    const open = () => {
      if (raw.headersSent) return;
      reply.headers({
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        // nginx would hold messages back to fill its buffer.
        'x-accel-buffering': 'no',
      });
      raw.writeHead(200, reply.getHeaders() as Record<string, string>);
      raw.write(`retry: ${RECONNECT_MS}\n\n`);
    };
    const viewer = {
      send(message: FeedMessage) {
        open();
        onMessage(message.kind);
        return raw.write(blockOf(message));
      },
      close() {
        // A full connection would wait for its client to read on.
        if (raw.writableNeedDrain) raw.destroy();
        else raw.end();
      },
    };
    const seat = feed.join(viewer, lastIdOf(request));
    if (!seat) {
      reply.header('retry-after', NO_SEAT_RETRY_SECONDS);
      sendProblem(reply, { status: 503, title: 'Service Unavailable', detail: 'too many viewers' });
      return;
    }
    reply.hijack();
    open();
    raw.on('drain', seat.resume);
    raw.on('close', seat.leave);
  });
}

function lastIdOf({ headers, query }: FastifyRequest): string | undefined {
  const ids = [headers['last-event-id'], (query as Record<string, unknown>)['lastEventId']];
  return ids.find((id) => typeof id === 'string');
}

const blocks = new WeakMap<FeedMessage, Buffer>();

/** A message to all viewers is put into bytes once. JSON holds no line breaks, so that one `data` line is enough. */
function blockOf(message: FeedMessage): Buffer {
  const known = blocks.get(message);
  if (known) return known;
  const id = message.id === undefined ? '' : `\nid: ${message.id}`;
  const block = Buffer.from(`event: ${message.kind}\ndata: ${message.json}${id}\n\n`);
  blocks.set(message, block);
  return block;
}
