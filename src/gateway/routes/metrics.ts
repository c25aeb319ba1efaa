import type { FastifyInstance } from 'fastify';
import { comesFromThisMachine } from '../client.js';
import type { GatewayMetrics, MetricsText } from '../metrics/index.js';
import { sendProblem } from '../plugins/problems.js';
import { Problem } from '../problem.js';

/**
 * `GET /metrics` in Prometheus' text format, for this machine alone: the gateway's address is public. Elsewhere it is
 * `/gateway/metrics` on the admin port.
 */
export function addMetricsRoute(
  app: FastifyInstance,
  metrics: Pick<GatewayMetrics, 'request'>,
  textOfAll: () => Promise<MetricsText>,
): void {
  // As it is sent, not behind it: waiting for the end of each answer would cost every request two listeners.
  app.addHook('onSend', (_request, reply, _payload, done) => {
    metrics.request(reply.statusCode);
    done();
  });
  app.get('/metrics', async (request, reply) => {
    if (!comesFromThisMachine(request.raw)) {
      return sendProblem(reply, new Problem('PS_NOT_FOUND', 'Events go to POST /v1/events'));
    }
    const { contentType, body } = await textOfAll();
    return reply.type(contentType).header('cache-control', 'no-store').send(body);
  });
}
