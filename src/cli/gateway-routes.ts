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

/** What the gateway on this machine remembers of an event; undefined where none runs. */
export async function askWhere(gatewayUrl: string | undefined, id: string): Promise<unknown> {
  if (gatewayUrl === undefined) return undefined;
  const url = new URL(`/where?${new URLSearchParams({ id })}`, gatewayUrl);
  const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (response.status !== 200) throw new Error(`the gateway answers ${response.status}`);
  return response.json();
}
