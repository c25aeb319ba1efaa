import { runEntry } from './load.js';

/** Where an AMQP 1.0 broker is, and how to get in (SASL PLAIN). */
export interface AmqpPlace {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
}

export interface AmqpLoadOptions extends AmqpPlace {
  readonly work: 'send' | 'receive';
  readonly address: string;
  readonly bodyBytes: number;
  readonly applicationProperties?: Readonly<Record<string, string | number>>;
  /** Messages of one transfer; absent for single ones. */
  readonly batch?: number;
  /** Transfers that may be unsettled, or the receiver's credit. */
  readonly inFlight: number;
  /** Ends after so many messages; without it a sender goes by time, and a receiver until it has everything. */
  readonly count?: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

export interface AmqpLoadResult {
  /** Messages that were settled within `ms`. */
  readonly count: number;
  /** The same with those of the warm-up. */
  readonly countInAll: number;
  readonly ms: number;
  /** What the load itself used. */
  readonly cpuSeconds: number;
}

export async function runAmqpLoad(options: AmqpLoadOptions): Promise<AmqpLoadResult> {
  const result = (await runEntry('amqp-load', options)) as AmqpLoadResult;
  if (result.count === 0) throw new Error(`${options.address}: no message was settled`);
  return result;
}
