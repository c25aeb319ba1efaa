import { finished } from 'node:stream';
import { context, ProxyTracerProvider, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { parseTraceparent } from '../trace-context.js';

const TRACER = 'penstock.gateway';

/**
 * A span for each request, where an OpenTelemetry SDK is registered; without one this costs a look. The span takes the
 * place of the request's own `traceparent`, so that what becomes of its events hangs below it.
 */
export function addTracing(app: FastifyInstance): void {
  app.addHook('onRequest', (request, reply, done) => {
    if (isTraced()) startSpan(request, reply);
    done();
  });
}

/** The API's own provider stands in for that of an SDK, and has no tracer before there is one. */
function isTraced(): boolean {
  const provider = trace.getTracerProvider();
  return !(provider instanceof ProxyTracerProvider) || provider.getDelegateTracer(TRACER) !== undefined;
}

function startSpan(request: FastifyRequest, reply: FastifyReply): void {
  const { headers } = request.raw;
  const parent = parseTraceparent(headers['traceparent'], headers['tracestate']);
  const span = trace
    .getTracer(TRACER)
    .startSpan(
      `${request.method} ${request.routeOptions.url ?? 'unknown'}`,
      { kind: SpanKind.SERVER, attributes: attributesOf(request) },
      parent === undefined ? context.active() : trace.setSpanContext(context.active(), parent),
    );
  if (!span.isRecording()) return;
  const { traceId, spanId, traceFlags } = span.spanContext();
  headers['traceparent'] = `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
  // Not a hook of Fastify: one that runs behind every answer costs each request two listeners.
  finished(reply.raw, () => {
    span.setAttribute('http.response.status_code', reply.statusCode);
    if (reply.statusCode >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end();
  });
}

/** No address, agent or query: those of a visitor are nobody's business here. */
function attributesOf(request: FastifyRequest): Record<string, string> {
  return { 'http.request.method': request.method, 'http.route': request.routeOptions.url ?? 'unknown' };
}
