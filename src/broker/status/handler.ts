import type { IncomingMessage, ServerResponse } from 'node:http';
import type { SasKeys } from '../security/index.js';
import { createGuard } from './guard.js';
import type { BrokerMetrics } from './metrics.js';
import { CONTENT_SECURITY_POLICY, renderPage } from './page.js';
import type { BrokerStatus } from './snapshot.js';

export interface StatusDeps {
  readonly snapshot: () => BrokerStatus;
  readonly metrics: Pick<BrokerMetrics, 'render' | 'contentType'>;
  /** The keys with the right Manage. */
  readonly managers: SasKeys;
  readonly now: () => number;
  readonly onError: (error: unknown) => void;
}

/** Answers whether the request was one of its own. */
export type StatusHandler = (request: IncomingMessage, response: ServerResponse) => boolean;

interface Content {
  readonly type: string;
  readonly body: string;
}

const SECURITY_HEADERS = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

function urlOf(request: IncomingMessage): URL | undefined {
  const scheme = 'encrypted' in request.socket ? 'https' : 'http';
  const text = `${scheme}://${request.headers.host ?? ''}${request.url ?? ''}`;
  return request.url?.startsWith('/') && URL.canParse(text) ? new URL(text) : undefined;
}

/** The page (`/`), the same as JSON (`/status`), and Prometheus metrics (`/metrics`), to be looked at only. */
export function createStatusHandler(deps: StatusDeps): StatusHandler {
  const guard = createGuard(deps.managers, deps.now);
  const contents: Readonly<Record<string, () => Promise<Content> | Content>> = {
    '/': () => ({ type: 'text/html; charset=utf-8', body: renderPage(deps.snapshot()) }),
    '/status': () => ({ type: 'application/json', body: JSON.stringify(deps.snapshot()) }),
    '/metrics': async () => ({
      type: deps.metrics.contentType,
      body: await deps.metrics.render(deps.snapshot()),
    }),
  };

  function end(request: IncomingMessage, response: ServerResponse, status: number, { type, body }: Content): void {
    if (response.destroyed) return;
    response.writeHead(status, {
      ...SECURITY_HEADERS,
      ...(status === 401 ? { 'www-authenticate': 'Basic realm="penstock broker"' } : {}),
      // What is left of a body that is not read would be taken for the next request.
      ...(request.complete ? {} : { connection: 'close' }),
      'content-type': type,
      'content-length': Buffer.byteLength(body),
    });
    response.end(request.method === 'HEAD' ? undefined : body);
  }

  async function serve(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const refuse = (status: number, body: string) => end(request, response, status, { type: 'text/plain', body });
    const admitted = guard(request, url);
    if (admitted === 'unauthorized') return refuse(401, 'An access key with the right Manage is needed.\n');
    if (admitted === 'forbidden') return refuse(403, 'The request comes from another place.\n');
    if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(405, 'There is only GET here.\n');
    end(request, response, 200, await (contents[url.pathname] as () => Content)());
  }

  return (request, response) => {
    const url = urlOf(request);
    // Requests of the administration API have a version: entities may be named as these paths are.
    if (url === undefined || !Object.hasOwn(contents, url.pathname) || url.searchParams.has('api-version'))
      return false;
    serve(request, response, url).catch((error: unknown) => {
      deps.onError(error);
      end(request, response, 500, { type: 'text/plain', body: 'It could not be shown.\n' });
    });
    return true;
  };
}
