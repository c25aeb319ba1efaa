import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { type Clock, every } from '../shared/clock.js';
import { messageOf } from '../shared/errors.js';
import type { Logger } from '../shared/logger.js';
import { GatewayError } from './errors.js';
import { versionOf } from './file-version.js';

export interface CertificateFiles {
  /** PEM: the certificate, and those of its issuers behind it. */
  readonly cert: string;
  /** PEM, without a passphrase. */
  readonly key: string;
}

/** What new connections are given; those that are open keep what they have. */
export interface SecureServer {
  setSecureContext(options: SecureContextOptions): void;
}

export interface Certificate {
  readonly pair: SecureContextOptions;
  /** From now on the server gets what the files hold, whenever that changes. */
  serve(server: SecureServer): void;
  /** Reads the files now, whether they have changed or not. */
  reload(): Promise<void>;
  close(): void;
}

const CHECK_INTERVAL_MS = 2_000;
const VERSIONS: SecureContextOptions = { minVersion: 'TLSv1.2' };

/**
 * A certificate and its key, read again when one of the files changes. A pair that cannot be used leaves the one before in
 * place and is logged; so does a pair of which only one half is new yet, until the other is there.
 * @throws GatewayError PS_TLS_UNUSABLE when it cannot be used at the start.
 */
export async function openCertificate(files: CertificateFiles, clock: Clock, logger: Logger): Promise<Certificate> {
  const versions = async () => `${await versionOf(files.cert)} ${await versionOf(files.key)}`;
  let version: string;
  let pair: SecureContextOptions;
  let server: SecureServer | undefined;
  try {
    version = await versions();
    pair = await readPair(files);
  } catch (cause) {
    throw new GatewayError('PS_TLS_UNUSABLE', `gateway.tls ${files.cert}: ${messageOf(cause)}`, { cause });
  }

  async function load(isWanted: (found: string) => boolean): Promise<void> {
    let found = '';
    try {
      found = await versions();
      if (!isWanted(found)) return;
      pair = await readPair(files);
      server?.setSecureContext(pair);
      logger.info({ until: new X509Certificate(pair.cert as Buffer).validTo }, 'certificate read again');
    } catch (error) {
      logger.error({ err: error }, 'the certificate cannot be used: the one before stays');
    }
    // What could not be used is tried again when it has changed, or when somebody asks.
    version = found;
  }

  const stop = every(clock, CHECK_INTERVAL_MS, () => load((found) => found !== version));
  return {
    get pair() {
      return pair;
    },
    serve(secureServer) {
      server = secureServer;
    },
    reload: () => load(() => true),
    close: stop,
  };
}

async function readPair({ cert, key }: CertificateFiles): Promise<SecureContextOptions> {
  const pair = { ...VERSIONS, cert: await readFile(cert), key: await readFile(key) };
  // Throws when they do not belong together.
  createSecureContext(pair);
  return pair;
}
