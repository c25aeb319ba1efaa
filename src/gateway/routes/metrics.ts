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
  app.addHook('onResponse', (_request, reply, done) => {
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
