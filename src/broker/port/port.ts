import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createSecureContext, TLSSocket } from 'node:tls';
import type { CancelTimer, Clock } from '../../shared/clock.js';
import { createHttp, type HttpHandler } from './http.js';
import { type Listening, listen } from './listen.js';
import { type Protocol, sniff } from './sniff.js';
import { createUpgrade } from './websocket.js';

export interface PortOptions {
  /** `localhost` is both loopback addresses. */
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
  /** Certificate and key, PEM. */
  readonly tls: { readonly cert: string; readonly key: string };
  /** Most connections at once; one more is closed at once. */
  readonly maxConnections: number;
  /** From the connection to the bytes that tell what it speaks, TLS handshake included. */
  readonly helloTimeoutMs?: number;
  /** How long an HTTP request may take to arrive, and a kept connection may wait for the next one. */
  readonly requestTimeoutMs?: number;
  readonly maxHeaderBytes?: number;
}

const DEFAULTS = {
  helloTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  maxHeaderBytes: 16 * 1024,
} as const;

export interface PortDeps {
  readonly clock: Clock;
  /** Takes an AMQP connection. Its first bytes are still to be read; nobody else listens to its errors or closes it. */
  readonly onAmqp: (socket: Duplex, facts: { readonly secure: boolean }) => void;
  readonly onHttp: HttpHandler;
  /** A connection was closed as it came, for there were as many as there may be. */
  readonly onRefused: () => void;
  /** A connection with HTTP was cut, for more requests had come on it than may wait for their answers. */
  readonly onCut: () => void;
}

export interface Port {
  /** @throws ListenError PS_PORT_UNAVAILABLE */
  start(): Promise<{ readonly port: number }>;
  /** Takes no more connections, lets the open ones end until `deadlineMs` from now, then cuts them. Idempotent. */
  stop(options: { readonly deadlineMs: number }): Promise<void>;
  /** Takes another certificate for the connections to come. */
  renewTls(tls: PortOptions['tls']): void;
  readonly connections: number;
}

/** Calls `decide` with what the first bytes are, which stay to be read; anything unknown is cut off. */
function whenTold(socket: Socket, allowed: readonly Protocol[], decide: (protocol: Protocol) => void): void {
  let head = Buffer.alloc(0);
  const onReadable = () => {
    const chunk: Buffer | null = socket.read();
    if (chunk === null) return;
    head = Buffer.concat([head, chunk]);
    const told = sniff(head);
    if (told === 'more') return;
    socket.off('readable', onReadable);
    if (told === 'unknown' || !allowed.includes(told)) {
      socket.destroy();
      return;
    }
    socket.unshift(head);
    decide(told);
  };
  socket.on('readable', onReadable);
}

/**
 * One TCP port for AMQP and HTTP, each plain or in TLS, and AMQP over WebSockets, so that one connection string serves messaging clients and the
 * administration client, which always speaks HTTPS.
 */
export function createPort({ clock, onAmqp, onHttp, onRefused, onCut }: PortDeps, given: PortOptions): Port {
  const options = { ...DEFAULTS, ...given };
  let secureContext = createSecureContext(options.tls);
  const http = createHttp({ onRequest: onHttp, onUpgrade: createUpgrade(onAmqp), onCut }, clock, options);
  /** Every open connection, with what cancels its hello deadline. */
  const open = new Map<Socket, CancelTimer>();
  /** Connections that have not said yet what they speak. */
  const silent = new Set<Socket>();
  let listening: Listening | undefined;
  let stopping: Promise<void> | undefined;
  let onEmpty = () => {};

  const serve = (raw: Socket, socket: Socket, protocol: Protocol) => {
    open.get(raw)?.();
    silent.delete(raw);
    if (protocol === 'http') http.accept(socket);
    else onAmqp(socket, { secure: socket !== raw });
  };

  const secure = (raw: Socket) => {
    const socket = new TLSSocket(raw, { isServer: true, secureContext });
    socket.on('error', () => raw.destroy());
    whenTold(socket, ['amqp', 'http'], (protocol) => serve(raw, socket, protocol));
  };

  const onConnection = (raw: Socket) => {
    const isFull = open.size >= options.maxConnections;
    if (stopping || isFull) {
      raw.destroy();
      if (isFull) onRefused();
      return;
    }
    const cancelHello = clock.setTimer(() => raw.destroy(), options.helloTimeoutMs);
    open.set(raw, cancelHello);
    silent.add(raw);
    raw.on('error', () => raw.destroy());
    raw.once('close', () => {
      cancelHello();
      open.delete(raw);
      silent.delete(raw);
      if (open.size === 0) onEmpty();
    });
    whenTold(raw, ['amqp', 'tls', 'http'], (protocol) => {
      if (protocol === 'tls') secure(raw);
      else serve(raw, raw, protocol);
    });
  };

  const drain = (deadlineMs: number) =>
    new Promise<void>((resolve) => {
      const cancel = clock.setTimer(() => {
        for (const socket of open.keys()) socket.destroy();
      }, deadlineMs);
      onEmpty = () => {
        cancel();
        resolve();
      };
      for (const socket of silent) socket.destroy();
      http.stop();
      if (open.size === 0) onEmpty();
    });

  return {
    async start() {
      listening = await listen(options.host, options.port, onConnection);
      return { port: listening.port };
    },
    stop({ deadlineMs }) {
      listening?.close();
      stopping ??= drain(deadlineMs);
      return stopping;
    },
    renewTls(tls) {
      secureContext = createSecureContext(tls);
    },
    get connections() {
      return open.size;
    },
  };
}
