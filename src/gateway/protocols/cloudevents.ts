import { isUtf8 } from 'node:buffer';
import type { IncomingHttpHeaders } from 'node:http';
import { type Rejection, reject } from '../../events/index.js';
import { type ParsedBody, parseJson } from '../pipeline/parse.js';
import { Problem } from '../problem.js';
import { type Fields, fieldsOf, percentDecoded, setField } from './fields.js';

/** CloudEvents 1.0 over HTTP (http-protocol-binding, section 3) and in JSON (json-format). */

const BATCH = /^application\/cloudevents-batch\b/i;
const STRUCTURED = /^application\/cloudevents\b/i;
const JSON_SUFFIX = /^[^;]*\+json\s*(?:;|$)/i;
const JSON_TYPE = /^(?:[^;/]+\/)(?:[^;]*\+)?json\s*(?:;|$)/i;

type CloudEventsParser = (body: Buffer) => ParsedBody | Problem;

/** How the body of a request with these headers is read, when it is CloudEvents; undefined when it is native. */
export function cloudEventsParser(headers: IncomingHttpHeaders): CloudEventsParser | undefined {
  const contentType = headers['content-type'] ?? '';
  if (STRUCTURED.test(contentType)) {
    if (JSON_SUFFIX.test(contentType)) return BATCH.test(contentType) ? parseBatch : parseStructured;
    return () => new Problem('PS_BODY_NOT_EVENTS', 'CloudEvents are read as JSON');
  }
  return isBinary(headers) ? (body) => parseBinary(headers, body) : undefined;
}

/** Section 3.1 of the specification. */
const REQUIRED = ['specversion', 'id', 'source', 'type'] as const;

/** Any of them in a header: without the others it is a CloudEvent with a fault, and no native event. */
function isBinary(headers: IncomingHttpHeaders): boolean {
  return REQUIRED.some((name) => headers[`ce-${name}`] !== undefined);
}

function parseStructured(body: Buffer): ParsedBody | Problem {
  const parsed = parseJson(body);
  if (parsed instanceof Problem) return parsed;
  return { items: [mapStructured(parsed.value)], isPlain: parsed.isPlain };
}

function parseBatch(body: Buffer): ParsedBody | Problem {
  const parsed = parseJson(body);
  if (parsed instanceof Problem) return parsed;
  if (!Array.isArray(parsed.value)) return new Problem('PS_BODY_NOT_EVENTS', 'A CloudEvents batch is a JSON array');
  return { items: parsed.value.map(mapStructured), isPlain: parsed.isPlain };
}

/** Binary content mode: the attributes are headers, the body is the data as it is (section 3.1). */
function parseBinary(headers: IncomingHttpHeaders, body: Buffer): ParsedBody | Problem {
  const attributes: Record<string, unknown> = {};
  for (const name in headers) {
    const value = headers[name];
    if (name.startsWith('ce-') && typeof value === 'string') setField(attributes, name.slice(3), unescapeHeader(value));
  }
  const contentType = headers['content-type'];
  if (contentType !== undefined) attributes['datacontenttype'] = contentType;
  const data = body.length === 0 ? {} : dataOf(body, contentType);
  return data instanceof Problem ? data : { items: [mapEvent(attributes, data)] };
}

interface Data {
  readonly json?: unknown;
  readonly base64?: string;
}

function dataOf(body: Buffer, contentType: string | undefined): Data | Problem {
  if (contentType === undefined || JSON_TYPE.test(contentType)) {
    const parsed = parseJson(body);
    if (!(parsed instanceof Problem)) return { json: parsed.value };
    if (contentType !== undefined) return parsed;
  }
  const isText = contentType === undefined || contentType.startsWith('text/');
  return isText && isUtf8(body) ? { json: body.toString('utf8') } : { base64: body.toString('base64') };
}

/** A quoted string (RFC 7230, section 3.2.6), which senders of older versions of the binding put spaces into. */
const QUOTED = /^"(.*)"$/;

/** Section 3.1.3.2: characters outside of printable ASCII, space, `"` and `%` are percent-encoded UTF-8. */
function unescapeHeader(value: string): string {
  const text = QUOTED.exec(value)?.[1]?.replace(/\\(.)/g, '$1') ?? value;
  return percentDecoded(text);
}

function mapStructured(value: unknown): unknown {
  const attributes = fieldsOf(value);
  if (attributes === undefined) return reject('not_an_object', '');
  const { data, data_base64: base64 } = attributes;
  if (base64 === undefined || base64 === null) return mapEvent(attributes, { json: data });
  if (typeof base64 !== 'string') return reject('invalid_type', '/data_base64', attributes['id']);
  // Of two data one would be lost (json-format, section 3.1.1).
  if (data !== undefined && data !== null) return reject('invalid_format', '/data_base64', attributes['id']);
  return mapEvent(attributes, { base64 });
}

/** What the native event has a field for; `specversion` says nothing about the event. */
const MAPPED: ReadonlySet<string> = new Set(['specversion', 'id', 'type', 'time', 'data', 'data_base64']);
/** Of data, the fields that Penstock writes itself. */
const NATIVE_IDS: ReadonlySet<string> = new Set(['anonymousId', 'userId', 'sessionId']);
const NATIVE_OBJECTS: ReadonlySet<string> = new Set(['page', 'context']);
const NATIVE_TIMES: ReadonlySet<string> = new Set(['occurredAt', 'sentAt']);

function mapEvent(attributes: Fields, data: Data): unknown {
  const fault = faultOf(attributes);
  if (fault) return fault;
  const event: Record<string, unknown> = { id: attributes['id'], type: attributes['type'], time: attributes['time'] };
  const properties: Record<string, unknown> = {};
  for (const name of Object.keys(attributes)) {
    // Prefixed, so that they never hide a field of the data; this has `source`, `subject` and every extension.
    if (!MAPPED.has(name)) properties[`ce_${name}`] = attributes[name];
  }
  // JSON is what data is when nothing is said (json-format, section 3.1).
  if (JSON_TYPE.test(String(attributes['datacontenttype']))) delete properties['ce_datacontenttype'];
  if (data.base64 !== undefined) properties['data_base64'] = data.base64;
  addData(event, properties, data.json);
  // The producer's subject is the user, unless the data says who it is.
  const { subject } = attributes;
  if (event['userId'] === undefined && event['anonymousId'] === undefined) event['userId'] = subject;
  if (subject === event['userId'] || subject === event['anonymousId']) delete properties['ce_subject'];
  event['properties'] = properties;
  return event;
}

/** What is required is text, and not empty. */
function faultOf(attributes: Fields): Rejection | undefined {
  for (const name of REQUIRED) {
    const value = attributes[name] ?? '';
    if (value === '') return reject('required', `/${name}`, attributes['id']);
    if (typeof value !== 'string') return reject('invalid_type', `/${name}`, attributes['id']);
  }
  return attributes['specversion'] === '1.0' ? undefined : reject('invalid_format', '/specversion', attributes['id']);
}

/**
 * Data as Penstock writes it (data.anonymousId, data.properties …) is read back; any other field is a property, and data
 * that is no object is the property `data`.
 */
function addData(event: Record<string, unknown>, properties: Record<string, unknown>, json: unknown): void {
  if (json === undefined || json === null) return;
  const data = fieldsOf(json);
  if (data === undefined) {
    properties['data'] = json;
    return;
  }
  const explicit = fieldsOf(data['properties']);
  for (const key of Object.keys(data)) {
    const value = data[key];
    if (isNative(key, value)) event[key] = value;
    else if (key !== 'properties' || explicit === undefined) setField(properties, key, value);
  }
  for (const key of Object.keys(explicit ?? {})) setField(properties, key, explicit?.[key]);
}

function isNative(key: string, value: unknown): boolean {
  if (NATIVE_IDS.has(key)) return typeof value === 'string' || Number.isSafeInteger(value);
  if (NATIVE_OBJECTS.has(key)) return fieldsOf(value) !== undefined;
  return NATIVE_TIMES.has(key) && (typeof value === 'string' || typeof value === 'number');
}
