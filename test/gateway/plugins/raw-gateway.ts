import { connect } from 'node:net';
import { configSchema } from '../../../src/shared/config/index.js';
import { waitFor } from '../../helpers/wait.js';
import { createGatewayRig, WRITE_KEY } from '../rig.js';

type RigOptions = NonNullable<Parameters<typeof createGatewayRig>[0]>;
type HttpOptions = ReturnType<typeof configSchema.parse>['gateway']['http'];

/** A gateway over brokers in memory that listens, and raw connections to it. */
export async function listenRaw(
  http: Partial<HttpOptions> = {},
  { limits, host = '127.0.0.1' }: { limits?: RigOptions['limits']; host?: string } = {},
) {
  const defaults = configSchema.parse({}).gateway;
  const rig = await createGatewayRig({
    gateway: { http: { ...defaults.http, ...http } },
    ...(limits && { limits }),
  });
  const url = await rig.gateway.listen({ host, port: 0 });
  const closers: (() => void)[] = [];
  const open = ({ allowHalfOpen = false } = {}) => {
    const socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1', allowHalfOpen });
    const seen = { text: '', closed: false };
    socket.on('data', (data) => {
      seen.text += data.toString('latin1');
    });
    socket.on('close', () => {
      seen.closed = true;
    });
    socket.on('error', () => {});
    closers.push(() => socket.destroy());
    return { socket, seen, closed: () => waitFor('the connection to be closed', () => seen.closed) };
  };
  return {
    rig,
    url,
    open,
    async close(): Promise<void> {
      for (const close of closers) close();
      await rig.gateway.stop({ deadlineMs: 1000 });
    },
  };
}

/** The same over a hub that answers when the test says so, so that answers are due for as long as it likes. */
export async function listenRawWithSlowHub(http: Partial<HttpOptions> = {}) {
  const gateway = await listenRaw(http);
  let release = () => {};
  gateway.rig.brokers.state.hubWaits = new Promise((resolve) => {
    release = resolve;
  });
  return {
    ...gateway,
    /** Resolves when events wait for the hub, which means that their requests were read. */
    pending: () =>
      waitFor('events that wait', async () => {
        const { body } = await gateway.rig.app.inject({ method: 'GET', url: '/metrics', remoteAddress: '127.0.0.1' });
        return Number(/^penstock_gateway_pending_bytes (\d+)/m.exec(body)?.[1]) > 0;
      }),
    release: () => release(),
    close() {
      release();
      return gateway.close();
    },
  };
}

export const statusesOf = (text: string) =>
  [...text.matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, status]) => Number(status));

export const eventText = (id: string) => `{"type":"page_view","id":"${id}"}`;

/** The beginning of a request that posts events, with more headers. */
export const headWith = (more = '') => `POST /v1/events HTTP/1.1\r\nHost: x\r\nX-Write-Key: ${WRITE_KEY}\r\n${more}`;

export function requestOf(body: string): string {
  return `${headWith(`Content-Length: ${body.length}\r\n`)}\r\n${body}`;
}
