import { EventEmitter } from 'node:events';
import type { Duplex } from 'node:stream';
import type { Clock } from '../../shared/clock.js';
import { type CheckKey, createGate, type ProtocolViolation, type SessionViolation } from './gate/index.js';

/** How long a peer may take to close its side after ours was closed. */
const LINGER_MS = 2000;

export interface GatedSocketOptions {
  readonly clock: Clock;
  readonly maxFrameBytes: () => number;
  readonly checkKey: CheckKey;
}

/** What happens at the door. */
export interface GateEvents {
  onKey(name: string): void;
  onRefused(reason: string): void;
  onSessionViolation(channel: number, violation: SessionViolation): void;
  onViolation(violation: ProtocolViolation): void;
}

/**
 * The socket as the AMQP implementation sees it: what comes in has passed the gate, and once its side is closed the peer
 * cannot hold the connection open.
 */
export class GatedSocket extends EventEmitter {
  readonly #socket: Duplex;
  readonly #clock: Clock;
  #ended = false;

  constructor(socket: Duplex, options: GatedSocketOptions, events: GateEvents) {
    super();
    this.#socket = socket;
    this.#clock = options.clock;
    const gate = createGate(options, {
      toPeer: (bytes) => this.write(bytes),
      toAmqp: (bytes) => this.emit('data', bytes),
      onKey: events.onKey,
      onRefused: (reason) => {
        events.onRefused(reason);
        this.end();
      },
      onSessionViolation: events.onSessionViolation,
      onViolation: events.onViolation,
    });
    socket.on('data', (chunk: Buffer) => gate.input(chunk));
    socket.on('end', () => this.emit('end'));
    socket.on('error', (error) => {
      if (this.listenerCount('error') > 0) this.emit('error', error);
    });
  }

  write(bytes: Buffer): void {
    if (!this.#socket.writableEnded) this.#socket.write(bytes);
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#socket.end();
    const cancel = this.#clock.setTimer(() => this.#socket.destroy(), LINGER_MS);
    this.#socket.once('close', cancel);
  }

  destroy(): void {
    this.#socket.destroy();
  }

  setNoDelay(): void {
    // Every socket of the port has it from the start.
  }
}
