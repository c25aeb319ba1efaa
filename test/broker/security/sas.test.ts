import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSasKeys, verifySasToken } from '../../../src/broker/security/index.js';

const NOW_MS = Date.UTC(2026, 10, 21, 12);
const KEY = 'c2VjcmV0LWtleQ==';
const keys = createSasKeys([
  { name: 'RootManageSharedAccessKey', scope: '', rights: ['Manage'], keys: [KEY] },
  { name: 'Sender', scope: 'events', rights: ['Send'], keys: ['first', 'second'] },
]);
const HOUR_LATER = NOW_MS / 1000 + 3600;

interface Token {
  resource?: string;
  expiry?: number | string;
  key?: string;
  name?: string;
}

/** A token as the JavaScript messaging client makes it: signature not URL-encoded. */
function token({ resource = 'sb://localhost:5672/', expiry = HOUR_LATER, key = KEY, name }: Token = {}) {
  const sr = encodeURIComponent(resource);
  const sig = createHmac('sha256', key).update(`${sr}\n${expiry}`).digest('base64');
  return `SharedAccessSignature sr=${sr}&sig=${sig}&se=${expiry}&skn=${name ?? 'RootManageSharedAccessKey'}`;
}

const verify = (text: string, audience = 'sb://localhost:5672/events') =>
  verifySasToken(text, { audience, keys, nowMs: NOW_MS }).kind;

describe('a shared access signature', () => {
  it('is accepted with its key name and expiry', () => {
    expect(verifySasToken(token(), { audience: 'sb://localhost:5672/events', keys, nowMs: NOW_MS })).toEqual({
      kind: 'ok',
      keyName: 'RootManageSharedAccessKey',
      rights: ['Manage'],
      expiresAtMs: HOUR_LATER * 1000,
    });
  });

  it('may have its signature URL-encoded and its fields in any order', () => {
    const [, sr, sig, se, skn] = /sr=(.*)&sig=(.*)&se=(.*)&skn=(.*)/.exec(token()) as RegExpExecArray;
    const encoded = encodeURIComponent(sig as string);
    expect(verify(`SharedAccessSignature sig=${encoded}&se=${se}&skn=${skn}&sr=${sr}`)).toBe('ok');
  });

  it('covers what is below its resource, by whole segments, whatever scheme, port and case', () => {
    const covers = (resource: string, audience: string) => verify(token({ resource }), audience);
    expect(covers('sb://localhost:5672/', 'sb://localhost/events')).toBe('ok');
    expect(covers('https://localhost/Events?api-version=2021-05', 'amqps://LOCALHOST:5671/events')).toBe('ok');
    expect(covers('sb://localhost/events', 'sb://localhost/events/Subscriptions/audit')).toBe('ok');
    expect(covers('localhost:5672', 'sb://localhost:5672/a')).toBe('ok');
    expect(covers('sb://localhost/event', 'sb://localhost/events')).toBe('wrong-audience');
    expect(covers('sb://localhost/events/Subscriptions/audit', 'sb://localhost/events')).toBe('wrong-audience');
    expect(covers('sb://elsewhere/', 'sb://localhost/events')).toBe('wrong-audience');
  });

  it('may be made with either key of its rule, which signs for its own entity and what is below it', () => {
    const made = (key: string, resource: string) => verify(token({ name: 'Sender', key, resource }), resource);
    for (const key of ['first', 'second']) {
      expect(made(key, 'sb://localhost/Events/')).toBe('ok');
      expect(made(key, 'sb://localhost:5672/events/Subscriptions/audit')).toBe('ok');
      expect(made(key, 'sb://localhost/')).toBe('invalid-signature');
      expect(made(key, 'sb://localhost/events2')).toBe('invalid-signature');
    }
    expect(made('third', 'sb://localhost/events')).toBe('invalid-signature');
  });

  it('expires', () => {
    expect(verify(token({ expiry: NOW_MS / 1000 + 1 }))).toBe('ok');
    expect(verify(token({ expiry: NOW_MS / 1000 }))).toBe('expired');
  });

  it('does not tell an unknown key name from a wrong key, nor either from an expired or misdirected token', () => {
    expect(verify(token({ key: 'other' }))).toBe('invalid-signature');
    expect(verify(token({ name: 'Other' }))).toBe('invalid-signature');
    expect(verify(token({ name: 'Other', key: '' }))).toBe('invalid-signature');
    expect(verify(token({ key: 'other', expiry: 1 }))).toBe('invalid-signature');
    expect(verify(token({ key: 'other', resource: 'sb://elsewhere' }))).toBe('invalid-signature');
  });

  it('is refused when anything that is signed was changed', () => {
    const good = token();
    expect(verify(good.replace(`se=${HOUR_LATER}`, `se=${HOUR_LATER + 1}`))).toBe('invalid-signature');
    expect(verify(good.replace('localhost', 'localhosT'))).toBe('invalid-signature');
    expect(verify(good.replace(/sig=./, (found) => (found === 'sig=A' ? 'sig=B' : 'sig=A')))).toBe('invalid-signature');
  });

  it.each([
    ['nothing', ''],
    ['another scheme', token().replace('SharedAccessSignature', 'Bearer')],
    ['a missing field', token().replace(/&skn=.*/, '')],
    ['an empty field', token().replace(/skn=.*/, 'skn=')],
    ['a field without a value', `${token()}&extra`],
    ['a field twice', `${token()}&se=1`],
    ['an expiry that is no number', token({ expiry: '1e99' })],
    ['broken URL encoding', token().replace('sr=', 'sr=%zz')],
    ['a token of absurd length', `${token()}&x=${'x'.repeat(5000)}`],
  ])('is malformed with %s', (_, text) => {
    expect(verify(text)).toBe('malformed');
  });

  it('is never accepted when it is made of noise', () => {
    const field = fc.tuple(fc.constantFrom('sr', 'sig', 'se', 'skn'), fc.string());
    fc.assert(
      fc.property(fc.array(field, { maxLength: 6 }), (fields) => {
        const text = `SharedAccessSignature ${fields.map(([name, value]) => `${name}=${value}`).join('&')}`;
        expect(['malformed', 'invalid-signature']).toContain(verify(text));
      }),
    );
  });
});
