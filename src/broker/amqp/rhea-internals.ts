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
  readonly channel: number;
  readonly performative: { handle?: number | null; delivery_count?: number | null; drain?: boolean | null };
}

interface AttachFrame {
  readonly channel: number;
  readonly performative: { name: string; readonly role: boolean };
}

interface IncompleteDelivery {
  settled: boolean;
  remote_settled: boolean;
  frames: (Buffer | undefined)[];
  readonly id: number;
}

export interface LinkInternals {
  is_receiver(): boolean;
  is_remote_open(): boolean;
  close(): void;
  /** Its name and its handle are free again. */
  remove(): void;
  readonly state: EndpointState;
  readonly local: { readonly attach: Composite & { name: string } };
}

/** What is still to be written of an open or close of ours; asking takes one of them off. */
interface EndpointState {
  need_open(): boolean;
}

export interface SessionInternals {
  readonly remote: { readonly handles: Record<number, ReceiverInternals | undefined> };
  /** By name. */
  readonly links: Record<string, LinkInternals | undefined>;
  readonly incoming: {
    next_transfer_id: number;
    next_delivery_id: number | undefined;
    /** How many deliveries it can still keep. */
    readonly window: number;
  };
  readonly state: EndpointState;
  readonly local: { readonly begin: Composite & { handle_max: number } };
  output(frame: Composite): void;
  close(error: object): void;
  _process(): void;
}

export interface ReceiverInternals {
  credit: number;
  delivery_count: number;
  _incomplete: IncompleteDelivery | undefined;
  is_receiver(): boolean;
  is_open(): boolean;
  readonly session: SessionInternals;
}

export interface Internals {
  output(): void;
  _process(): void;
  _write_close(): void;
  _write_frame(channel: number, frame?: Composite, payload?: Buffer): void;
  readonly local: { readonly close: { error: unknown } };
  readonly remote: { readonly open: { idle_time_out?: number } };
  readonly remote_channel_map: Record<number, SessionInternals | undefined>;
  on_attach(frame: AttachFrame): void;
  on_disposition(frame: { readonly channel: number }): void;
  on_transfer(frame: TransferFrame): void;
  on_detach(frame: { readonly channel: number; readonly performative: { readonly handle: number } }): void;
  on_end(frame: { readonly channel: number }): void;
  on_flow(frame: FlowFrame): void;
  accept(socket: GatedSocket): void;
}

export const internals = (connection: Connection) => connection as unknown as Internals;
export const prototypeOf = (connection: Connection) => Object.getPrototypeOf(connection) as Internals;
