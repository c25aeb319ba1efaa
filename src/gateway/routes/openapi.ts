import type { FastifyInstance } from 'fastify';
import { createApiDescription } from '../../shared/openapi.js';

const DESCRIPTION =
  'Takes events: docs/events.md. The paths of other trackers, which the gateway speaks as well, are those of their own ' +
  'documentation: docs/protocols.md.';

/** `GET /openapi.json`: what the routes say of themselves. To be called before they are added. */
export function addApiRoute(app: FastifyInstance): void {
  const { add, json } = createApiDescription({
    title: 'Penstock',
    description: DESCRIPTION,
    security: [{ bearer: [] }, { header: [] }, { basic: [] }, { query: [] }],
    securitySchemes: {
      bearer: { type: 'http', scheme: 'bearer', description: 'The write key.' },
      header: { type: 'apiKey', in: 'header', name: 'X-Write-Key' },
      basic: { type: 'http', scheme: 'basic', description: 'The write key as the user.' },
      query: { type: 'apiKey', in: 'query', name: 'writeKey' },
    },
  });
  app.addHook('onRoute', add);
  app.get('/openapi.json', (_request, reply) =>
    reply.type('application/json').header('cache-control', 'public, max-age=300').send(json()),
  );
}
