import type { Connection } from 'rhea';
import type { GatedSocket } from './gated-socket.js';

/*
 * What the broker uses of rhea 3.0.5 beyond its documented interface, for a connection.
 */

export interface Composite {
  value: unknown[];
  readonly constructor: { readonly descriptor?: { readonly numeric: number } };
}

/** A value of rhea that is written as it is: a described list, where `descriptor` is set. */
export interface Described {
  readonly descriptor?: { readonly value: unknown };
  readonly type?: { readonly width: number };
  readonly value?: unknown;
}

export interface TransferFrame {
  readonly channel: number;
  readonly performative: {
    value: unknown[];
    delivery_tag?: Buffer;
    message_format?: number;
    handle: number;
    more?: boolean;
    settled?: boolean;
    aborted?: boolean;
    delivery_id?: number;
  };
  payload?: Buffer | undefined;
}

interface FlowFrame {
  readonly performative: { handle?: number | null; delivery_count?: number | null };
}

interface IncompleteDelivery {
  settled: boolean;
  remote_settled: boolean;
  frames: (Buffer | undefined)[];
  readonly id: number;
}

export interface ReceiverInternals {
  credit: number;
  delivery_count: number;
  _incomplete: IncompleteDelivery | undefined;
  is_receiver(): boolean;
  readonly session: { readonly incoming: { next_transfer_id: number; next_delivery_id: number | undefined } };
}

export interface Internals {
  output(): void;
  _process(): void;
  _write_close(): void;
  _write_frame(channel: number, frame?: Composite, payload?: Buffer): void;
  readonly local: { readonly close: { error: unknown } };
  readonly remote: { readonly open: { idle_time_out?: number } };
  readonly remote_channel_map: Record<number, { remote: { handles: Record<number, ReceiverInternals | undefined> } }>;
  on_transfer(frame: TransferFrame): void;
  on_detach(frame: { readonly channel: number; readonly performative: { readonly handle: number } }): void;
  on_end(frame: { readonly channel: number }): void;
  on_flow(frame: FlowFrame): void;
  accept(socket: GatedSocket): void;
}

export const internals = (connection: Connection) => connection as unknown as Internals;
export const prototypeOf = (connection: Connection) => Object.getPrototypeOf(connection) as Internals;
