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
  /** The last moment at which clients take it. */
  readonly validToMs: number;
  /** From now on the server gets what the files hold, whenever that changes. */
  serve(server: SecureServer): void;
  /** Reads the files now, whether they have changed or not. */
  reload(): Promise<void>;
  close(): void;
}

const CHECK_INTERVAL_MS = 2_000;
const VERSIONS: SecureContextOptions = { minVersion: 'TLSv1.2' };

interface LoadedPair {
  readonly context: SecureContextOptions;
  readonly validFromMs: number;
  readonly validToMs: number;
}

/**
 * A certificate and its key, read again when one of the files changes. A pair that cannot be used, or whose time is over or
 * has not come, leaves the one before in place and is logged; so does a pair of which only one half is new yet, until the
 * other is there.
 * @throws GatewayError PS_TLS_UNUSABLE when it cannot be used at the start.
 */
export async function openCertificate(files: CertificateFiles, clock: Clock, logger: Logger): Promise<Certificate> {
  // A file that is not there changes when it is.
  const versions = () =>
    Promise.all([files.cert, files.key].map((file) => versionOf(file).catch(() => ''))).then(String);
  let version = await versions();
  let pair: LoadedPair;
  let server: SecureServer | undefined;
  /** When the time comes of a pair that was put in place too early. */
  let dueAtMs = Number.POSITIVE_INFINITY;
  try {
    pair = await readPair(files);
  } catch (cause) {
    throw new GatewayError('PS_TLS_UNUSABLE', `gateway.tls ${files.cert}: ${messageOf(cause)}`, { cause });
  }
  const untimely = whyUntimely(pair, clock.now());
  // Clients that do not look may come all the same, and there is none before it.
  if (untimely !== undefined) logger.error({ reason: untimely }, 'the certificate is one that clients refuse');

  async function load(): Promise<void> {
    version = await versions();
    dueAtMs = Number.POSITIVE_INFINITY;
    const refuse = (why: object) => logger.error(why, 'the certificate cannot be used: the one before stays');
    try {
      const next = await readPair(files);
      const reason = whyUntimely(next, clock.now());
      if (reason !== undefined) {
        if (next.validFromMs > clock.now()) dueAtMs = next.validFromMs;
        return refuse({ reason });
      }
      pair = next;
      server?.setSecureContext(pair.context);
      logger.info({ until: new Date(pair.validToMs) }, 'certificate read again');
    } catch (err) {
      refuse({ err });
    }
  }

  // What could not be used is tried again when it has changed, when its time comes, or when somebody asks.
  const stop = every(clock, CHECK_INTERVAL_MS, async () => {
    if (clock.now() >= dueAtMs || (await versions()) !== version) await load();
  });
  return {
    get pair() {
      return pair.context;
    },
    get validToMs() {
      return pair.validToMs;
    },
    serve(secureServer) {
      server = secureServer;
    },
    reload: load,
    close: stop,
  };
}

async function readPair({ cert: certFile, key: keyFile }: CertificateFiles): Promise<LoadedPair> {
  const cert = await readFile(certFile);
  const context = { ...VERSIONS, cert, key: await readFile(keyFile) };
  // Throws when they do not belong together.
  createSecureContext(context);
  const { validFrom, validTo } = new X509Certificate(cert);
  return { context, validFromMs: Date.parse(validFrom), validToMs: Date.parse(validTo) };
}

/** Why clients that look would refuse it now. */
function whyUntimely({ validFromMs, validToMs }: LoadedPair, nowMs: number): string | undefined {
  if (nowMs > validToMs) return `it has expired: its last moment was ${new Date(validToMs).toISOString()}`;
  if (nowMs < validFromMs) return `it is not valid yet: its first moment is ${new Date(validFromMs).toISOString()}`;
  return undefined;
}
