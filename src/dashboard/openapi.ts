import type { FastifyInstance } from 'fastify';
import { createApiDescription, problemOf } from '../shared/openapi.js';

const DESCRIPTION =
  'The live figures of Penstock, what is behind them, and how the system is: docs/live.md. Objects may get more fields.';

/** `GET /openapi.json`: what the routes of this port say of themselves. To be called before they are added. */
export function openApi(app: FastifyInstance, { token }: { readonly token?: string | undefined }): void {
  const { add, json } = createApiDescription({
    title: 'Penstock admin API',
    description: DESCRIPTION,
    security: token === undefined ? [] : [{ token: [] }, { session: [] }],
    securitySchemes: {
      token: { type: 'http', scheme: 'bearer', description: 'PENSTOCK_ADMIN_TOKEN' },
      session: { type: 'apiKey', in: 'cookie', name: 'penstock_session' },
    },
  });
  const refusals = {
    ...(token === undefined ? {} : { 401: problemOf('The token is missing, or another one.') }),
    403: problemOf('The request names another machine, or comes from the page of another.'),
  };
  app.addHook('onRoute', ({ config, ...route }) => {
    const describe = config?.operation;
    if (describe === undefined) return;
    const operation = () => {
      const own = describe();
      return { ...own, responses: { ...refusals, ...own.responses } };
    };
    add({ ...route, config: { operation } });
  });
  app.get('/openapi.json', (_request, reply) =>
    reply.type('application/json').header('cache-control', 'no-store').send(json()),
  );
}
