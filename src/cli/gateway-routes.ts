import type { AdminServerDeps } from '../dashboard/index.js';
import { type Operation, textOf } from '../shared/openapi.js';
import { askGateway, type GatewayPlace } from './gateway/ask.js';

/** How long the gateway may take to tell its figures. */
const TIMEOUT_MS = 5_000;

const readGatewayMetrics = (): Operation => ({
  operationId: 'readGatewayPrometheus',
  summary: "The gateway on this machine, in Prometheus' text format",
  responses: {
    200: textOf('All its processes together.'),
    404: textOf('None runs on this machine.'),
    503: textOf('It does not answer.'),
  },
});

/** `/gateway/metrics` under the admin port, behind its guard, where the gateway runs on this machine. */
export function gatewayRoutes(gateway: () => GatewayPlace | undefined): AdminServerDeps['routes'][number] {
  return async (app) => {
    app.get('/gateway/metrics', { config: { operation: readGatewayMetrics } }, async (_request, reply) => {
      const place = gateway();
      if (place === undefined) return reply.code(404).type('text/plain').send('No gateway runs on this machine.\n');
      try {
        const { status, contentType, text } = await askGateway(place, '/metrics', TIMEOUT_MS);
        return reply
          .code(status)
          .header('cache-control', 'no-store')
          .type(contentType ?? 'text/plain')
          .send(text);
      } catch {
        return reply.code(503).type('text/plain').send('The gateway does not answer.\n');
      }
    });
  };
}

/** What the gateway on this machine remembers of an event; undefined where none runs. */
export async function askWhere(place: GatewayPlace | undefined, id: string): Promise<unknown> {
  if (place === undefined) return undefined;
  const { status, text } = await askGateway(place, `/where?${new URLSearchParams({ id })}`, TIMEOUT_MS);
  if (status !== 200) throw new Error(`the gateway answers ${status}`);
  return JSON.parse(text) as unknown;
}
