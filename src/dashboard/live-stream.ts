import type { FastifyInstance } from 'fastify';
import type { FeedMessage, LiveFeed } from './live-feed.js';
import { sendProblem } from './problem.js';

/** How long a browser waits before it comes back. */
const RECONNECT_MS = 2_000;
const NO_SEAT_RETRY_SECONDS = 10;

/**
 * `GET /api/live/stream`: server-sent events, each named after the kind of its message and with JSON as data. The
 * first is a `snapshot` of all live figures; a client that reconnects starts with a new one. 503 when every seat is
 * taken.
 */
export function liveStream(app: FastifyInstance, feed: LiveFeed, onMessage: (kind: FeedMessage['kind']) => void): void {
  app.get('/api/live/stream', { exposeHeadRoute: false }, (_request, reply) => {
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
    const seat = feed.join({
      send({ kind, json }) {
        open();
        onMessage(kind);
        // JSON holds no line breaks, so that one `data` line is enough.
        return raw.write(`event: ${kind}\ndata: ${json}\n\n`);
      },
      close() {
        // A full connection would wait for its client to read on.
        if (raw.writableNeedDrain) raw.destroy();
        else raw.end();
      },
    });
    if (!seat) {
      reply.header('retry-after', NO_SEAT_RETRY_SECONDS);
      sendProblem(reply, 503, 'Service Unavailable', 'too many viewers');
      return;
    }
    reply.hijack();
    open();
    raw.on('drain', seat.resume);
    raw.on('close', seat.leave);
  });
}
