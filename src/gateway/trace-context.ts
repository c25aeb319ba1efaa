import { createTraceState, type SpanContext } from '@opentelemetry/api';

/** W3C Trace Context, section 3.2.2, version 00; ids of nothing but zeros are none. */
const TRACEPARENT = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$/;

/** Section 3.3.1.5: what vendors have to pass on. Longer ones are left away, which the section allows. */
const MAX_TRACESTATE_LENGTH = 512;
const TRACESTATE = /^[\x20-\x7e]+$/;

export interface TraceHeaders {
  readonly traceparent: string;
  readonly tracestate: string | undefined;
}

/** The trace that a request is part of, as its headers tell it; undefined when they tell none. */
export function readTrace(traceparent: unknown, tracestate: unknown): TraceHeaders | undefined {
  if (typeof traceparent !== 'string' || !TRACEPARENT.test(traceparent)) return undefined;
  const isSound =
    typeof tracestate === 'string' && tracestate.length <= MAX_TRACESTATE_LENGTH && TRACESTATE.test(tracestate);
  return { traceparent, tracestate: isSound ? tracestate : undefined };
}

/** The same as OpenTelemetry has it. */
export function parseTraceparent(traceparent: unknown, tracestate: unknown): SpanContext | undefined {
  const headers = readTrace(traceparent, tracestate);
  const [, traceId = '', spanId = '', flags = ''] = TRACEPARENT.exec(headers?.traceparent ?? '') ?? [];
  if (headers === undefined) return undefined;
  const traceState = headers.tracestate === undefined ? {} : { traceState: createTraceState(headers.tracestate) };
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true, ...traceState };
}
