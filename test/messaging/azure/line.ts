import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A TCP line to a server that may go away, as the network sees a process that is killed and started again. */
export interface Line {
  readonly port: number;
  /** Cuts every connection without a word; new ones are refused until `connectTo` is called. */
  cut(): void;
  connectTo(port: number): void;
  close(): void;
}

export async function createLine(targetPort: number): Promise<Line> {
  let target: number | undefined = targetPort;
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    if (target === undefined) {
      near.resetAndDestroy();
      return;
    }
    const far = connect(target, '127.0.0.1');
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = () => {
    target = undefined;
    for (const socket of sockets) {
      // A socket that is about to end cannot be reset, and would stay open.
      if (socket.writableEnded) socket.destroy();
      else socket.resetAndDestroy();
    }
  };
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    connectTo(port) {
      target = port;
    },
    close() {
      cut();
      server.close();
    },
  };
}

/** The same connection string with another port. */
export const withPort = (connectionString: string, port: number): string =>
  connectionString.replace(/^(Endpoint=sb:\/\/[^:;/]+):\d+/, `$1:${port}`);

export const portOf = (connectionString: string): number =>
  Number(/^Endpoint=sb:\/\/[^:;/]+:(\d+)/.exec(connectionString)?.[1]);
