import { describe, expect, it } from 'vitest';
import { createGatewayRig } from '../rig.js';

const json = (url: string, body: unknown, headers: Record<string, string> = {}) => ({
  method: 'POST' as const,
  url,
  headers: { 'content-type': 'application/json', ...headers },
  payload: JSON.stringify(body),
});
const key = { api_key: 'a-write-key' };
const client = { 'openpanel-client-id': 'a-write-key' };

describe('paths that two protocols have in common', () => {
  it('the body says which of them is spoken, and it is answered in its words', async () => {
    const { app, brokers } = await createGatewayRig();
    const spoken = [
      json('/batch', { ...key, batch: [{ event: 'posthog', distinct_id: 'u' }] }),
      json('/batch', { ...key, events: [{ event_type: 'amplitude', user_id: 'u' }] }),
      json('/track', { event: 'mixpanel', properties: { token: 'a-write-key' } }),
      json('/track', { type: 'track', payload: { name: 'openpanel' } }, client),
    ];
    const answers = [];
    for (const request of spoken) answers.push((await app.inject(request)).body);
    expect(answers).toEqual([
      '{"status":"Ok"}',
      expect.stringMatching(/^\{"code":200,"events_ingested":1/),
      '1',
      '{"deviceId":"","sessionId":""}',
    ]);
    const types = brokers.hubEvents().map(({ type }) => type);
    expect(types.sort()).toEqual(['amplitude', 'mixpanel', 'openpanel', 'posthog']);
  });

  it('what is no JSON is refused in the words of who most likely sent it', async () => {
    const { app } = await createGatewayRig();
    const broken = { payload: '{"a":' };
    expect((await app.inject({ ...json('/batch', {}), ...broken })).json()).toMatchObject({ code: 'PS_BODY_NOT_JSON' });
    expect((await app.inject({ ...json('/track', {}), ...broken })).body).toBe('0');
    const answer = await app.inject({ ...json('/track', {}, client), ...broken });
    expect(answer.json()).toMatchObject({ error: expect.any(String), code: 'PS_BODY_NOT_JSON' });
  });
});
