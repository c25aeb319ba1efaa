import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { connect, type TLSSocket } from 'node:tls';

/** Where the gateway of this machine is. */
export interface GatewayPlace {
  readonly url: string;
  /** The file of its certificate, where it speaks HTTPS. */
  readonly certificateFile: string | undefined;
}

export interface GatewayAnswer {
  readonly status: number;
  readonly contentType: string | undefined;
  readonly text: string;
}

/**
 * What the gateway of this machine answers to a GET. Over HTTPS it has to show the certificate of the file that it was
 * configured with: it is asked by its address here, which is in no certificate, and its issuer may be known to nobody.
 * Rejects when it does not answer in time, or somebody else does.
 */
export async function askGateway(place: GatewayPlace, path: string, timeoutMs: number): Promise<GatewayAnswer> {
  const url = new URL(path, place.url);
  const signal = AbortSignal.timeout(timeoutMs);
  const socket = url.protocol === 'https:' ? await connectTo(url, place.certificateFile, signal) : undefined;
  try {
    const request = httpRequest(url.href.replace(/^https:/, 'http:'), {
      signal,
      ...(socket === undefined ? { agent: false } : { createConnection: () => socket }),
    });
    request.end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    return {
      status: response.statusCode ?? 0,
      contentType: response.headers['content-type'],
      text: await text(response),
    };
  } finally {
    socket?.destroy();
  }
}

/** A connection over which nothing was sent yet, to the gateway and nobody else. */
async function connectTo(url: URL, certificateFile: string | undefined, signal: AbortSignal): Promise<TLSSocket> {
  if (certificateFile === undefined) throw new Error('the gateway speaks HTTPS, and its certificate is not known here');
  // The first of the file is the gateway's own.
  const expected = new X509Certificate(await readFile(certificateFile));
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const socket = connect({ host, port: Number(url.port || 443), rejectUnauthorized: false });
  try {
    await once(socket, 'secureConnect', { signal });
    const shown = socket.getPeerX509Certificate();
    if (shown?.raw.equals(expected.raw) !== true)
      throw new Error('what answers does not have the certificate of the gateway');
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}
