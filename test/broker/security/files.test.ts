import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ensureCertificates, ensureKeys } from '../../../src/broker/security/index.js';

const DAY_MS = 86_400_000;
const NOW_MS = Date.now();
const HOSTS = ['localhost', '127.0.0.1', '::1'];

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'penstock-security-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const BAD_RIGHTS = '{"RootManageSharedAccessKey":"a","q/r":{"key":"k","rights":["Read"]}}';
const modeOf = (name: string) => statSync(join(dir, name)).mode & 0o777;

describe('access keys', () => {
  it('are made once, of 256 random bits, readable by their owner only', () => {
    const first = ensureKeys(dir);
    expect(Buffer.from(first.root.key, 'base64')).toHaveLength(32);
    expect(first.rules).toEqual([
      { name: first.root.name, scope: '', rights: ['Listen', 'Send', 'Manage'], keys: [first.root.key] },
    ]);
    expect(first.areNew).toBe(true);
    expect(ensureKeys(dir)).toEqual({ ...first, areNew: false });
    expect(modeOf('access-keys.json')).toBe(0o600);
  });

  it('differ from broker to broker', () => {
    const other = mkdtempSync(join(tmpdir(), 'penstock-security-'));
    expect(ensureKeys(dir).root.key).not.toBe(ensureKeys(other).root.key);
    rmSync(other, { recursive: true });
  });

  it('are made for rules that are declared, kept while their rights change, and may be added by hand', () => {
    const declared = (rights: ('Send' | 'Listen')[]) => [{ name: 'app', scope: 'Orders', rights }];
    const made = ensureKeys(dir, declared(['Send'])).rules[1];
    expect(made).toMatchObject({ name: 'app', scope: 'orders', rights: ['Send'] });
    expect(ensureKeys(dir, declared(['Send', 'Listen'])).rules[1]).toEqual({ ...made, rights: ['Listen', 'Send'] });
    const file = JSON.parse(readFileSync(join(dir, 'access-keys.json'), 'utf8'));
    file['orders/other'] = { key: 'one', secondaryKey: 'two', rights: ['Listen'] };
    writeFileSync(join(dir, 'access-keys.json'), JSON.stringify(file));
    expect(ensureKeys(dir).rules).toContainEqual({
      name: 'other',
      scope: 'orders',
      rights: ['Listen'],
      keys: ['one', 'two'],
    });
  });

  it('are never replaced when the file is damaged', () => {
    for (const text of ['', 'no json', '{}', '{"RootManageSharedAccessKey":""}', '[]', BAD_RIGHTS]) {
      writeFileSync(join(dir, 'access-keys.json'), text);
      expect(() => ensureKeys(dir)).toThrowError(expect.objectContaining({ code: 'PS_SECURITY_KEYS_FILE' }));
      expect(readFileSync(join(dir, 'access-keys.json'), 'utf8')).toBe(text);
    }
  });
});

describe('certificates', () => {
  const authority = () => new X509Certificate(readFileSync(join(dir, 'ca.pem')));

  it('are an authority and a server certificate that it signed for every name and address', async () => {
    const { caFile, cert } = await ensureCertificates(dir, HOSTS, NOW_MS);
    const [ca, server] = [new X509Certificate(readFileSync(caFile)), new X509Certificate(cert)];
    expect([ca.ca, server.ca]).toEqual([true, false]);
    expect([ca.checkIssued(ca), server.checkIssued(ca), server.verify(ca.publicKey)]).toEqual([true, true, true]);
    expect(server.checkHost('localhost')).toBe('localhost');
    expect([server.checkIP('127.0.0.1'), server.checkIP('::1')]).toEqual(['127.0.0.1', '::1']);
    expect([server.checkHost('example.org'), server.checkIP('10.0.0.1')]).toEqual([undefined, undefined]);
    expect(server.publicKey.asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
  });

  it('keep their keys readable by their owner only', async () => {
    await ensureCertificates(dir, HOSTS, NOW_MS);
    expect([modeOf('ca-key.pem'), modeOf('server-key.pem')]).toEqual([0o600, 0o600]);
  });

  it('are made once', async () => {
    const first = await ensureCertificates(dir, HOSTS, NOW_MS);
    expect(await ensureCertificates(dir, HOSTS, NOW_MS + DAY_MS)).toEqual(first);
  });

  it('are renewed before the server certificate ends, under the same authority', async () => {
    const first = await ensureCertificates(dir, HOSTS, NOW_MS);
    const before = authority().fingerprint256;
    const second = await ensureCertificates(dir, HOSTS, NOW_MS + 350 * DAY_MS);
    expect(second.cert).not.toBe(first.cert);
    expect(authority().fingerprint256).toBe(before);
    expect(new X509Certificate(second.cert).verify(authority().publicKey)).toBe(true);
    expect(Date.parse(new X509Certificate(second.cert).validTo)).toBeGreaterThan(NOW_MS + 700 * DAY_MS);
  });

  it('are made anew when the authority itself nears its end', async () => {
    await ensureCertificates(dir, HOSTS, NOW_MS);
    const before = authority().fingerprint256;
    const { cert } = await ensureCertificates(dir, HOSTS, NOW_MS + 3600 * DAY_MS);
    expect(authority().fingerprint256).not.toBe(before);
    expect(new X509Certificate(cert).verify(authority().publicKey)).toBe(true);
  });

  it('are signed anew when a host is missing in them', async () => {
    await ensureCertificates(dir, HOSTS, NOW_MS);
    const { cert } = await ensureCertificates(dir, [...HOSTS, 'broker.internal'], NOW_MS);
    expect(new X509Certificate(cert).checkHost('broker.internal')).toBe('broker.internal');
  });

  it.each(['ca.pem', 'ca-key.pem', 'server.pem', 'server-key.pem'])('recover from a damaged %s', async (name) => {
    await ensureCertificates(dir, HOSTS, NOW_MS);
    const good = readFileSync(join(dir, name), 'utf8');
    writeFileSync(join(dir, name), good.slice(0, good.length / 2));
    const { cert } = await ensureCertificates(dir, HOSTS, NOW_MS);
    expect(new X509Certificate(cert).verify(authority().publicKey)).toBe(true);
  });

  it('recover from a key that belongs to another certificate', async () => {
    await ensureCertificates(dir, HOSTS, NOW_MS);
    writeFileSync(join(dir, 'server-key.pem'), readFileSync(join(dir, 'ca-key.pem')));
    const { cert, key } = await ensureCertificates(dir, HOSTS, NOW_MS);
    expect(key).not.toBe(readFileSync(join(dir, 'ca-key.pem'), 'utf8'));
    expect(new X509Certificate(cert).verify(authority().publicKey)).toBe(true);
  });
});
