import type { AdminServerDeps } from '../dashboard/index.js';

/** How long the gateway may take to tell its figures. */
const TIMEOUT_MS = 5_000;

/** `/gateway/metrics` under the admin port, behind its guard, where the gateway runs on this machine. */
export function gatewayRoutes(gatewayUrl: () => string | undefined): AdminServerDeps['routes'][number] {
  return async (app) => {
    app.get('/gateway/metrics', async (_request, reply) => {
      const url = gatewayUrl();
      if (url === undefined) return reply.code(404).type('text/plain').send('No gateway runs on this machine.\n');
      try {
        const response = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
        return reply
          .code(response.status)
          .header('cache-control', 'no-store')
          .type(response.headers.get('content-type') ?? 'text/plain')
          .send(await response.text());
      } catch {
        return reply.code(503).type('text/plain').send('The gateway does not answer.\n');
      }
    });
  };
}
