import { context, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { parseTraceparent } from '../trace-context.js';

const TRACER = 'penstock.gateway';

type TracedRequest = FastifyRequest & { span: Span | null };

/**
 * A span for each request, where an OpenTelemetry SDK is registered; without one this costs a call that does nothing. The
 * span takes the place of the request's own `traceparent`, so that what becomes of its events hangs below it.
 */
export function addTracing(app: FastifyInstance): void {
  app.decorateRequest('span', null);
  app.addHook('onRequest', (request, _reply, done) => {
    const { headers } = request.raw;
    const parent = parseTraceparent(headers['traceparent'], headers['tracestate']);
    const span = trace
      .getTracer(TRACER)
      .startSpan(
        `${request.method} ${request.routeOptions.url ?? 'unknown'}`,
        { kind: SpanKind.SERVER, attributes: attributesOf(request) },
        parent === undefined ? context.active() : trace.setSpanContext(context.active(), parent),
      );
    if (span.isRecording()) {
      (request as TracedRequest).span = span;
      const { traceId, spanId, traceFlags } = span.spanContext();
      headers['traceparent'] = `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
    }
    done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    const { span } = request as TracedRequest;
    if (span !== null) {
      span.setAttribute('http.response.status_code', reply.statusCode);
      if (reply.statusCode >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    }
    done();
  });
}

/** No address, agent or query: those of a visitor are nobody's business here. */
function attributesOf(request: FastifyRequest): Record<string, string> {
  return { 'http.request.method': request.method, 'http.route': request.routeOptions.url ?? 'unknown' };
}
