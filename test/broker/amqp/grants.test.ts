import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createGrants } from '../../../src/broker/amqp/grants.js';
import { createSasKeys } from '../../../src/broker/security/index.js';

const keys = createSasKeys([
  { name: 'Root', scope: '', rights: ['Manage'], keys: ['secret'] },
  { name: 'Sender', scope: 'events', rights: ['Send'], keys: ['send'] },
]);

function token(audience: string, expiresAtSeconds: number, key = 'secret', name = 'Root'): string {
  const resource = encodeURIComponent(audience);
  const signature = createHmac('sha256', key).update(`${resource}\n${expiresAtSeconds}`).digest('base64');
  return `SharedAccessSignature sr=${resource}&sig=${encodeURIComponent(signature)}&se=${expiresAtSeconds}&skn=${name}`;
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

describe('the rights of the tokens', () => {
  it('are those of the rule that signed them, for its entity', () => {
    const grants = createGrants(keys, () => 0);
    const audience = 'amqps://localhost/EVENTS/';
    expect(grants.putToken(audience, token(audience, 10, 'send', 'Sender'))).toEqual({ kind: 'ok' });
    const rights = ['Send', 'Listen', 'Manage', undefined] as const;
    expect(rights.map((right) => grants.covers('events', right))).toEqual([true, false, false, true]);
    const namespace = 'sb://localhost/';
    expect(grants.putToken(namespace, token(namespace, 10, 'send', 'Sender')).kind).toBe('refused');
    expect(grants.putToken(namespace, token(namespace, 20)).kind).toBe('ok');
    expect(rights.map((right) => grants.covers('events', right))).toEqual([true, true, true, true]);
    expect(grants.nextEndMs()).toBe(10_000);
  });

  it('are replaced when a token is put anew', () => {
    let nowMs = 0;
    const grants = createGrants(keys, () => nowMs);
    const audience = 'sb://localhost/events';
    grants.putToken(audience, token(audience, 10));
    grants.putToken(audience, token(audience, 20));
    nowMs = 15_000;
    expect(grants.covers('events', 'Send')).toBe(true);
    expect(grants.nextEndMs()).toBe(20_000);
    nowMs = 20_000;
    expect([grants.covers('events'), grants.nextEndMs()]).toEqual([false, undefined]);
  });

  it('are bounded in number, and make room when some have ended', () => {
    let nowMs = 0;
    const grants = createGrants(keys, () => nowMs);
    const put = (index: number, end: number) =>
      grants.putToken(`sb://localhost/q${index}`, token(`sb://localhost/q${index}`, end)).kind;
    for (let index = 0; index < 4096; index++) expect(put(index, 10)).toBe('ok');
    expect(put(5000, 30)).toBe('refused');
    nowMs = 11_000;
    expect(put(5000, 30)).toBe('ok');
  });
});

describe('name and key at the door', () => {
  it('have to be those of an access key, and give its rights where it has them', () => {
    const grants = createGrants(keys, () => 0);
    for (const [name, key] of [
      ['Root', 'Secret'],
      ['Other', ''],
      ['', ''],
      ['Sender', 'secret'],
    ] as const) {
      expect(grants.allowKey(name, key)).toBe(false);
    }
    expect(grants.any()).toBe(false);
    expect(grants.allowKey('Sender', 'send')).toBe(true);
    expect([grants.covers('events', 'Send'), grants.covers('events', 'Listen'), grants.covers('a', 'Send')]).toEqual([
      true,
      false,
      false,
    ]);
    expect(grants.allowKey('Root', 'secret')).toBe(true);
    expect([grants.covers('a', 'Manage'), grants.any(), grants.nextEndMs()]).toEqual([true, true, undefined]);
  });
});
