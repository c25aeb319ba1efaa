import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { FastifyPluginAsync } from 'fastify';
import { chooseEncoding, holdsAsset, packAsset } from '../../shared/web-asset.js';

export interface TrackerRouteOptions {
  /** The built script; its source map lies beside it as `….map`. By default the one that ships with Penstock. */
  readonly scriptFile?: string;
}

/** An hour fresh, then a day in which the old script is used while the browser fetches the new one. */
const CACHE_CONTROL = 'public, max-age=3600, stale-while-revalidate=86400';

/** `GET /penstock.js` and its source map: the tracker that sites embed. */
export const trackerRoute: FastifyPluginAsync<TrackerRouteOptions> = async (app, options) => {
  const file = options.scriptFile ?? builtScript();
  if (file === undefined || !existsSync(file)) {
    app.log.warn('the tracker is not built: GET /penstock.js is not served');
    return;
  }
  const assets = [
    { path: '/penstock.js', file, contentType: 'text/javascript; charset=utf-8' },
    { path: '/penstock.js.map', file: `${file}.map`, contentType: 'application/json' },
  ];
  for (const { path, file, contentType } of assets) {
    if (!existsSync(file)) continue;
    const asset = packAsset(readFileSync(file), contentType);
    app.get(path, async (request, reply) => {
      const encoding = chooseEncoding(request.headers['accept-encoding']);
      reply.headers({
        etag: asset.etags[encoding],
        'cache-control': CACHE_CONTROL,
        vary: 'Accept-Encoding',
        'access-control-allow-origin': '*',
        'cross-origin-resource-policy': 'cross-origin',
        'x-content-type-options': 'nosniff',
      });
      if (holdsAsset(request.headers['if-none-match'], asset.etags[encoding])) return reply.code(304).send();
      if (encoding !== 'identity') reply.header('content-encoding', encoding);
      return reply.type(contentType).send(asset.bodies[encoding]);
    });
  }
};

/** Beside the built server, or in `dist` when the server runs from its sources. */
function builtScript(): string | undefined {
  return ['../../tracker/penstock.js', '../../../dist/tracker/penstock.js']
    .map((path) => fileURLToPath(new URL(path, import.meta.url)))
    .find((path) => existsSync(path));
}
