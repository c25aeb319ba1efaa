import { CloudEvent, emitterFor, HTTP, httpTransport, Mode } from 'cloudevents';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { only, type SdkStack, startSdkStack, WRITE_KEY } from './stack.js';

describe('the CloudEvents SDK', () => {
  let stack: SdkStack;
  beforeAll(async () => {
    stack = await startSdkStack();
  });
  afterAll(() => stack.stop());

  const options = { headers: { authorization: `Bearer ${WRITE_KEY}` } };
  const send = async (event: CloudEvent<unknown>, mode: Mode): Promise<unknown> =>
    JSON.parse((await transmit(event, mode)).body);
  const time = '2026-11-21T11:59:58.123Z';
  /** The SDK answers with headers and body, whatever the status was. */
  const transmit = async (event: CloudEvent<unknown>, mode: Mode) =>
    (await emitterFor(httpTransport(`${stack.url}/v1/events`), { mode })(event, options)) as {
      body: string;
      headers: Record<string, string>;
    };
  const eventOf = (id: string, data: object) =>
    new CloudEvent({ id, time, type: 'view_item', source: '/shop', subject: 'user-1', data, tenant: 'north' });

  it('each mode brings each event once, with its id, type, time, subject, data and extensions', async () => {
    expect(await send(eventOf('binary-1', { item_id: 'ü €' }), Mode.BINARY)).toMatchObject({
      results: [{ id: 'binary-1', outcome: 'accepted', durability: 'broker' }],
    });
    expect(await send(eventOf('structured-1', { item_id: 'ü €' }), Mode.STRUCTURED)).toMatchObject({
      results: [{ id: 'structured-1', outcome: 'accepted' }],
    });
    const batch = [eventOf('batch-1', {}), eventOf('batch-2', {})].map((event) => event.toJSON());
    const response = await fetch(`${stack.url}/v1/events`, {
      method: 'POST',
      headers: { ...options.headers, 'content-type': 'application/cloudevents-batch+json' },
      body: JSON.stringify(batch),
    });
    expect(await response.json()).toMatchObject({ results: [{ id: 'batch-1' }, { id: 'batch-2' }] });

    const events = await stack.events(4);
    for (const id of ['binary-1', 'structured-1']) {
      expect(only(events, id)).toMatchObject({
        type: 'view_item',
        time,
        subject: 'user-1',
        source: 'shop',
        data: { userId: 'user-1', properties: { item_id: 'ü €', ce_source: '/shop', ce_tenant: 'north' } },
      });
    }
    expect(events).toHaveLength(4);
  });

  it('what Penstock wrote is a CloudEvent for it, which it sends back as it was', async () => {
    const [written] = await stack.events(4);
    const read = HTTP.toEvent({
      headers: { 'content-type': 'application/cloudevents+json' },
      body: JSON.stringify(written),
    }) as CloudEvent<unknown>;
    expect(await send(read.cloneWith({ id: 'again' }), Mode.STRUCTURED)).toMatchObject({
      results: [{ id: 'again', outcome: 'accepted' }],
    });
    const again = only(await stack.events(5), 'again');
    expect(again).toMatchObject({
      type: written?.type,
      time: written?.time,
      subject: written?.subject,
      data: { userId: 'user-1', properties: written?.data.properties },
    });
  });

  it('never sends again by itself: on 429 its caller is told so, and when; what the caller sends again arrives once', async () => {
    const before = (await stack.events(5)).length;
    const event = eventOf('busy-1', {});
    for (const mode of [Mode.BINARY, Mode.STRUCTURED]) {
      await stack.overload(1, async () => {
        const { body, headers } = await transmit(event, mode);
        expect(JSON.parse(body)).toMatchObject({ status: 429, code: 'PS_OVERLOADED' });
        expect(Number(headers['retry-after'])).toBeGreaterThan(0);
      });
    }
    expect(await send(event, Mode.BINARY)).toMatchObject({ results: [{ id: 'busy-1', outcome: 'accepted' }] });
    // Its caller did not get that answer, say.
    expect(await send(event, Mode.STRUCTURED)).toMatchObject({ results: [{ id: 'busy-1', outcome: 'duplicate' }] });
    await send(eventOf('after', {}), Mode.BINARY);
    const events = await stack.events(before + 2);
    only(events, 'after');
    only(events, 'busy-1');
    expect(events).toHaveLength(before + 2);
  });
});
