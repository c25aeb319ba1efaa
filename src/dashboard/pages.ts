import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance } from 'fastify';
import { chooseEncoding, holdsAsset, packAsset } from '../shared/web-asset.js';
import { DashboardError } from './errors.js';

const FILES = [
  { path: '/', file: 'index.html', contentType: 'text/html; charset=utf-8' },
  { path: '/main.js', file: 'main.js', contentType: 'text/javascript; charset=utf-8' },
  { path: '/theme.js', file: 'theme.js', contentType: 'text/javascript; charset=utf-8' },
  { path: '/main.css', file: 'main.css', contentType: 'text/css; charset=utf-8' },
  { path: '/icon.svg', file: 'icon.svg', contentType: 'image/svg+xml' },
];

/**
 * The page and what it loads, from memory. A browser asks each time whether its copy is still good.
 * @throws DashboardError PS_DASHBOARD_NOT_BUILT when a file is missing.
 */
export function pages(app: FastifyInstance, folder = builtFolder()): void {
  for (const { path, file, contentType } of FILES) {
    const source = join(folder, file);
    if (!existsSync(source)) throw new DashboardError('PS_DASHBOARD_NOT_BUILT', `${source} is missing: build first`);
    const asset = packAsset(readFileSync(source), contentType);
    app.get(path, { config: { public: true } }, async (request, reply) => {
      const encoding = chooseEncoding(request.headers['accept-encoding']);
      reply.headers({ etag: asset.etags[encoding], 'cache-control': 'no-cache', vary: 'Accept-Encoding' });
      if (holdsAsset(request.headers['if-none-match'], asset.etags[encoding])) return reply.code(304).send();
      if (encoding !== 'identity') reply.header('content-encoding', encoding);
      return reply.type(contentType).send(asset.bodies[encoding]);
    });
  }
}

/** Beside the built server, or in `dist` when the server runs from its sources. */
function builtFolder(): string {
  const [beside, dist] = ['./web/', '../../dist/dashboard/web/'].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  ) as [string, string];
  return existsSync(join(beside, 'main.js')) ? beside : dist;
}
