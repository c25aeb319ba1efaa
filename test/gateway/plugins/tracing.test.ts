import { trace } from '@opentelemetry/api';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { afterEach, describe, expect, it } from 'vitest';
import { createGatewayRig } from '../rig.js';

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN_ID = '00f067aa0ba902b7';
const traceparent = `00-${TRACE_ID}-${SPAN_ID}-01`;
const tracestate = 'vendor=a b,other=1';
const view = { type: 'page_view', id: 'a', anonymousId: 'v' };
const order = { type: 'purchase', id: 'o', transaction_id: 'T', value: 1, currency: 'EUR' };

afterEach(() => trace.disable());

describe('the trace of a request', () => {
  it('goes with its events to hub and topic, where no SDK is there to add to it', async () => {
    const rig = await createGatewayRig();
    await rig.results([view, order], { traceparent, tracestate });
    expect(rig.brokers.hubEvents()).toMatchObject([{ traceparent, tracestate }]);
    expect(rig.brokers.state.messages).toMatchObject([{ applicationProperties: { traceparent, tracestate } }]);
  });

  it.each([
    ['that is no trace', '00-0-0-00'],
    ['of zeros', `00-${'0'.repeat(32)}-${SPAN_ID}-01`],
    ['of another version', `ff-${TRACE_ID}-${SPAN_ID}-01`],
  ])('%s is left away', async (_what, sent) => {
    const rig = await createGatewayRig();
    await rig.results(view, { traceparent: sent, tracestate });
    expect(rig.brokers.hubEvents()[0]).not.toHaveProperty('traceparent');
    expect(rig.brokers.hubEvents()[0]).not.toHaveProperty('tracestate');
  });

  it('is passed on without a state that is too long', async () => {
    const rig = await createGatewayRig();
    await rig.results(view, { traceparent, tracestate: `a=${'x'.repeat(600)}` });
    expect(rig.brokers.hubEvents()[0]).toHaveProperty('traceparent', traceparent);
    expect(rig.brokers.hubEvents()[0]).not.toHaveProperty('tracestate');
  });

  it('has a span of the request in it, which its events hang below, where an SDK is registered', async () => {
    const exporter = new InMemorySpanExporter();
    trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
    const rig = await createGatewayRig();
    await rig.results(view, { traceparent, 'user-agent': 'a browser', 'x-forwarded-for': '203.0.113.9' });
    const spans = exporter.getFinishedSpans();
    const request = spans.find(({ name }) => name === 'POST /v1/events');
    expect(request?.spanContext().traceId).toBe(TRACE_ID);
    expect(request?.parentSpanId).toBe(SPAN_ID);
    expect(request?.attributes).toEqual({
      'http.request.method': 'POST',
      'http.route': '/v1/events',
      'http.response.status_code': 200,
    });
    expect(rig.brokers.hubEvents()).toMatchObject([
      { traceparent: `00-${TRACE_ID}-${request?.spanContext().spanId}-01` },
    ]);
    expect(spans.map(({ name }) => name)).toContain('send hub:clicks');
    expect(JSON.stringify(spans.map(({ attributes }) => attributes))).not.toMatch(/browser|203\.0/);
  });
});
