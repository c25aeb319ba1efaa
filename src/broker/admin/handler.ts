import type { IncomingMessage, ServerResponse } from 'node:http';
import type { SasKeys } from '../security/index.js';
import { type Base, CONTENT_TYPES, entryDocument, feedDocument, parseEntry } from './atom.js';
import { createAuthorizer } from './authorize.js';
import { readBody } from './body.js';
import { createBusResource } from './bus-resource.js';
import { AdminError, badRequest, entityNotFound } from './errors.js';
import { createHubResource } from './hub-resources.js';
import type { HubsPort } from './hubs-port.js';
import type { NamespacePort } from './namespace-port.js';
import type { Resource } from './resource.js';
import { parseHubTarget, parseTarget } from './target.js';
import { type Element, field, tag } from './xml.js';

export interface AdminDeps {
  readonly namespace: NamespacePort;
  /** Without it there is Service Bus alone. */
  readonly hubs?: HubsPort;
  readonly keys: SasKeys;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  readonly random: AdminRandom;
  /** An unexpected failure; the caller of the API only learns that there was one. */
  readonly onError: (error: unknown) => void;
}

interface AdminRandom {
  /** A new access key: 256 bits in base64. */
  newKey(): string;
  /** What an error is called in the answer, so that it can be spoken of. */
  newTrackingId(): string;
}

export interface AdminOptions {
  /** Shown as the name of the namespace. */
  readonly namespaceName: string;
}

export type AdminHandler = (request: IncomingMessage, response: ServerResponse) => void;

interface Answer {
  readonly status: number;
  readonly contentType?: string;
  readonly body?: string;
}

const MAX_PAGE = 100;
const DEFAULT_API_VERSION = '2021-05';

const errorAnswer = (status: number, detail: string): Answer => {
  const body = tag('Error', {}, field('Code', status), field('Detail', detail)).xml;
  return { status, contentType: 'application/xml; charset=utf-8', body };
};

/** A non-negative integer of the query, `$skip` or `$top`. */
function numberOf(query: URLSearchParams, name: string, fallback: number): number {
  const value = query.get(name);
  if (value === null) return fallback;
  if (!/^\d{1,9}$/.test(value)) throw badRequest(`${name} must be a number.`);
  return Number(value);
}

function readPage(resource: Resource, query: URLSearchParams, base: Base, nowMs: number) {
  const listing = resource.list();
  if (!listing) return undefined;
  const skip = numberOf(query, '$skip', 0);
  const top = Math.min(Math.max(numberOf(query, '$top', MAX_PAGE), 1), MAX_PAGE);
  const next = skip + top < listing.size ? { skip: skip + top, top } : undefined;
  return feedDocument(base, { path: listing.path, entries: listing.entries(skip, skip + top), nowMs, next });
}

/** The URL as the client wrote it. */
function urlOf(request: IncomingMessage): URL {
  const scheme = 'encrypted' in request.socket ? 'https' : 'http';
  if (!request.url?.startsWith('/')) throw badRequest('The request target must be a path.');
  try {
    return new URL(`${scheme}://${request.headers.host ?? 'localhost'}${request.url}`);
  } catch {
    throw badRequest('The URL is malformed.');
  }
}

/**
 * The management API of Service Bus (ATOM over HTTP, api-version 2021-05) as ServiceBusAdministrationClient uses it, that
 * of Event Hubs (api-version 2014-01), and `GET /health`. Every other request needs a shared access signature for its URL.
 */
export function createAdminHandler(deps: AdminDeps, { namespaceName }: AdminOptions): AdminHandler {
  const authorize = createAuthorizer(deps.keys, deps.now);

  const read = (resource: Resource, url: URL, base: Base): Answer => {
    const feed = readPage(resource, url.searchParams, base, deps.now());
    if (feed !== undefined) return { status: 200, contentType: CONTENT_TYPES.feed, body: feed };
    const entry = resource.get();
    if (entry) return { status: 200, contentType: CONTENT_TYPES.entry, body: entryDocument(base, entry) };
    // Azure answers an empty feed, not 404, for a queue or a topic that is not there; clients know.
    const empty = feedDocument(base, { path: url.pathname.slice(1), entries: [], nowMs: deps.now() });
    return { status: 200, contentType: CONTENT_TYPES.feed, body: empty };
  };

  const write = async (request: IncomingMessage, url: URL, base: Base): Promise<Answer> => {
    const description = parseEntry(await readBody(request));
    const resource = resourceOf(url, description);
    const match = request.headers['if-match'];
    const isUpdate = match !== undefined;
    if (isUpdate && match !== '*') throw badRequest('If-Match must be *: entities have no tags to compare.');
    const entry = await (isUpdate ? resource.update(description) : resource.create(description));
    return { status: isUpdate ? 200 : 201, contentType: CONTENT_TYPES.entry, body: entryDocument(base, entry) };
  };

  /** What a path names; queues, topics and hubs share their names, so it may be up to what is there or what is written. */
  function resourceOf(url: URL, description?: Element): Resource {
    const hub = deps.hubs && parseHubTarget(url.pathname);
    const isHub =
      hub?.kind !== 'hub' ||
      (description ? description.name === 'EventHubDescription' : deps.hubs?.hub(hub.name) !== undefined);
    if (deps.hubs && hub && isHub) return createHubResource(deps.hubs, hub, namespaceName);
    const target = parseTarget(url.pathname);
    if (!target) throw entityNotFound(url.pathname.slice(1));
    const options = { host: url.host, namespaceName, newKey: deps.random.newKey };
    return createBusResource(deps.namespace, target, options);
  }

  const answer = async (request: IncomingMessage): Promise<Answer> => {
    const url = urlOf(request);
    if (url.pathname === '/health' && request.method === 'GET') {
      return { status: 200, contentType: 'application/json', body: '{"status":"healthy"}' };
    }
    authorize(request.headers.authorization, url.href);

    const base = { origin: url.origin, apiVersion: url.searchParams.get('api-version') ?? DEFAULT_API_VERSION };
    switch (request.method) {
      case 'GET':
        return read(resourceOf(url), url, base);
      case 'PUT':
        return write(request, url, base);
      case 'DELETE':
        await resourceOf(url).remove();
        return { status: 200 };
      default:
        throw new AdminError('PS_ADMIN_METHOD', `There is no ${request.method} here.`);
    }
  };

  const failure = (error: unknown, request: IncomingMessage): Answer => {
    const known = error instanceof AdminError;
    if (!known) deps.onError(error);
    const { status, subCode } = known ? error : { status: 500, subCode: 50000 };
    const detail = known ? error.message : 'The service was unable to process the request.';
    const [path = ''] = (request.url ?? '').slice(1, 300).split('?');
    // As the service closes its texts: what somebody needs who looks for the request in a log.
    const tracking = `TrackingId:${deps.random.newTrackingId()}, SystemTracker:${namespaceName}:${path}`;
    const at = new Date(deps.now()).toISOString();
    return errorAnswer(status, `SubCode=${subCode}. ${detail} ${tracking}, Timestamp:${at}`);
  };

  const send = (request: IncomingMessage, response: ServerResponse, { status, contentType, body = '' }: Answer) => {
    if (response.destroyed) return;
    response.statusCode = status;
    response.setHeader('content-length', Buffer.byteLength(body));
    if (contentType !== undefined) response.setHeader('content-type', contentType);
    // What is left of a body that is not read would be taken for the next request.
    if (!request.complete) response.setHeader('connection', 'close');
    response.end(body);
  };

  return function handle(request, response) {
    answer(request)
      .catch((error: unknown) => failure(error, request))
      .then((result) => send(request, response, result))
      .catch(deps.onError);
  };
}
