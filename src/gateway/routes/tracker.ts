import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import type { Operation } from '../../shared/openapi.js';
import { chooseEncoding, holdsAsset, packAsset, type WebAsset } from '../../shared/web-asset.js';
import { getTracker } from './operations.js';

export interface TrackerRouteOptions {
  /** The built script; its source map lies beside it as `….map`, its types as `index.d.ts`. By default Penstock's own. */
  readonly scriptFile?: string;
}

/** An hour fresh, then a day in which the old script is used while the browser fetches the new one. */
const CACHE_CONTROL = 'public, max-age=3600, stale-while-revalidate=86400';
/** For a name that says what is in it (RFC 8246). */
const CACHE_FOREVER = 'public, max-age=31536000, immutable';

/**
 * `GET /penstock.js`, the tracker that sites embed, with its source map, its types, and a name of this very build,
 * `/penstock.<hash>.js`, which `Content-Location` tells. Other builds' names give this one: a site must not lose its
 * tracker because the gateway was updated.
 */
export const trackerRoute: FastifyPluginAsync<TrackerRouteOptions> = async (app, options) => {
  const file = options.scriptFile ?? builtScript();
  if (file === undefined || !existsSync(file)) {
    app.log.warn('the tracker is not built: GET /penstock.js is not served');
    return;
  }
  const script = readFileSync(file);
  const name = `/penstock.${createHash('sha256').update(script).digest('hex').slice(0, 16)}.js`;
  const headers = { 'cache-control': CACHE_CONTROL, sourcemap: '/penstock.js.map' };
  const javascript = packAsset(script, 'text/javascript; charset=utf-8');
  serve(app, javascript, {
    path: '/penstock.js',
    headers: { ...headers, 'content-location': name },
    operation: getTracker,
  });
  serve(app, javascript, { path: name, headers: { ...headers, 'cache-control': CACHE_FOREVER } });
  serve(app, javascript, {
    path: '/penstock.:build(^[0-9a-f]{16}).js',
    headers: { ...headers, 'content-location': name },
  });
  const beside = [
    { path: '/penstock.js.map', file: `${file}.map`, contentType: 'application/json' },
    { path: '/penstock.d.ts', file: join(dirname(file), 'index.d.ts'), contentType: 'text/plain; charset=utf-8' },
  ];
  for (const { path, file, contentType } of beside) {
    if (existsSync(file))
      serve(app, packAsset(readFileSync(file), contentType), { path, headers: { 'cache-control': CACHE_CONTROL } });
  }
};

interface Served {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly operation?: () => Operation;
}

function serve(app: FastifyInstance, asset: WebAsset, { path, headers, operation }: Served): void {
  app.get(path, { config: operation === undefined ? {} : { operation } }, async (request, reply) => {
    const encoding = chooseEncoding(request.headers['accept-encoding']);
    reply.headers({
      ...headers,
      etag: asset.etags[encoding],
      vary: 'Accept-Encoding',
      'access-control-allow-origin': '*',
      'cross-origin-resource-policy': 'cross-origin',
      'x-content-type-options': 'nosniff',
    });
    if (holdsAsset(request.headers['if-none-match'], asset.etags[encoding])) return reply.code(304).send();
    if (encoding !== 'identity') reply.header('content-encoding', encoding);
    return reply.type(asset.contentType).send(asset.bodies[encoding]);
  });
}

/** Beside the built server, or in `dist` when the server runs from its sources. */
function builtScript(): string | undefined {
  return ['../../tracker/penstock.js', '../../../dist/tracker/penstock.js']
    .map((path) => fileURLToPath(new URL(path, import.meta.url)))
    .find((path) => existsSync(path));
}
