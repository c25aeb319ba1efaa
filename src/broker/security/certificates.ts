import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { readIfThere, writeWhole } from './files.js';
import type { CertificatePair } from './issue.js';

export interface ServerCertificates extends CertificatePair {
  /** Path of the authority's certificate, for NODE_EXTRA_CA_CERTS and the like. */
  readonly caFile: string;
}

const DAY_MS = 86_400_000;
/** A certificate with less time left is made anew, so that a broker that runs for a month does not outlive it. */
const RENEW_BEFORE_MS = 60 * DAY_MS;

/** Parses a pair, or answers undefined when it is damaged, mismatched or too near its end. */
function usable(cert: string | undefined, key: string | undefined, nowMs: number): X509Certificate | undefined {
  if (cert === undefined || key === undefined) return undefined;
  try {
    const certificate = new X509Certificate(cert);
    const fresh =
      Date.parse(certificate.validTo) - nowMs > RENEW_BEFORE_MS && Date.parse(certificate.validFrom) <= nowMs;
    return fresh && certificate.checkPrivateKey(createPrivateKey(key)) ? certificate : undefined;
  } catch {
    return undefined;
  }
}

const names = (certificate: X509Certificate, host: string) =>
  isIP(host) === 0 ? certificate.checkHost(host) !== undefined : certificate.checkIP(host) !== undefined;

/**
 * A local certificate authority, made once, and a server certificate for `hosts` (names and addresses) that it signed,
 * all in `dir`. A start that finds good files only reads them: the library that makes certificates is loaded only to make one.
 */
export async function ensureCertificates(
  dir: string,
  hosts: readonly string[],
  nowMs: number,
): Promise<ServerCertificates> {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const [caFile, caKeyFile] = [join(dir, 'ca.pem'), join(dir, 'ca-key.pem')];
  const [certFile, keyFile] = [join(dir, 'server.pem'), join(dir, 'server-key.pem')];

  let authority = { cert: readIfThere(caFile) ?? '', key: readIfThere(caKeyFile) ?? '' };
  let authorityCertificate = usable(authority.cert, authority.key, nowMs);
  if (!authorityCertificate) {
    const { issueAuthority } = await import('./issue.js');
    authority = await issueAuthority(nowMs);
    // The key goes first: a certificate without its key would not pass the check above and is made again.
    writeWhole(caKeyFile, authority.key, 'owner-only');
    writeWhole(caFile, authority.cert, 'readable');
    authorityCertificate = new X509Certificate(authority.cert);
  }

  const server = { cert: readIfThere(certFile) ?? '', key: readIfThere(keyFile) ?? '' };
  const certificate = usable(server.cert, server.key, nowMs);
  const good =
    certificate?.verify(authorityCertificate.publicKey) === true && hosts.every((host) => names(certificate, host));
  if (good) return { caFile, ...server };

  const { issueServer } = await import('./issue.js');
  const issued = await issueServer(authority, hosts, nowMs);
  writeWhole(keyFile, issued.key, 'owner-only');
  writeWhole(certFile, issued.cert, 'readable');
  return { caFile, ...issued };
}
