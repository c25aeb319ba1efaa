import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createGrants, keyMatches } from '../../../src/broker/amqp/grants.js';

const keys = new Map([['Root', 'secret']]);

function token(audience: string, expiresAtSeconds: number, key = 'secret'): string {
  const resource = encodeURIComponent(audience);
  const signature = createHmac('sha256', key).update(`${resource}\n${expiresAtSeconds}`).digest('base64');
  return `SharedAccessSignature sr=${resource}&sig=${encodeURIComponent(signature)}&se=${expiresAtSeconds}&skn=Root`;
}

describe('the tokens of a connection', () => {
  it('open the entity that they were put for and what is below it, by whole segments, until they end', () => {
    let nowMs = 0;
    const grants = createGrants(keys, () => nowMs);
    expect(grants.any()).toBe(false);
    const audience = 'sb://localhost:5672/Events';
    expect(grants.putToken(audience, token(audience, 10))).toEqual({ kind: 'ok' });
    expect(grants.any()).toBe(true);
    for (const path of ['events', 'EVENTS/Subscriptions/audit']) expect(grants.covers(path)).toBe(true);
    for (const path of ['events2', 'clicks', '']) expect(grants.covers(path)).toBe(false);
    nowMs = 10_000;
    expect(grants.covers('events')).toBe(false);
    expect(grants.any()).toBe(false);
  });

  it('open everything when they were put for the namespace', () => {
    const grants = createGrants(keys, () => 0);
    expect(grants.putToken('sb://localhost/', token('sb://localhost/', 10))).toEqual({ kind: 'ok' });
    expect(grants.covers('anything/at/all')).toBe(true);
  });

  it('are refused with the reason when they are forged, ended or for something else', () => {
    const grants = createGrants(keys, () => 5000);
    const audience = 'sb://localhost/a';
    const description = (given: string) => {
      const outcome = grants.putToken(audience, given);
      return outcome.kind === 'refused' ? outcome.description : 'accepted';
    };
    expect(description(token(audience, 10, 'guess'))).toMatch(/^InvalidSignature/);
    expect(description(token(audience, 4))).toMatch(/^ExpiredToken/);
    expect(description(token('sb://localhost/b', 10))).toMatch(/^InvalidAudience/);
    expect(description('rubbish')).toMatch(/^MalformedToken/);
    expect(grants.any()).toBe(false);
  });
});

describe('name and key at the door', () => {
  it('have to be those of an access key', () => {
    expect(keyMatches(keys, 'Root', 'secret')).toBe(true);
    expect(keyMatches(keys, 'Root', 'Secret')).toBe(false);
    expect(keyMatches(keys, 'Other', '')).toBe(false);
    expect(keyMatches(keys, null, null)).toBe(false);
  });
});
