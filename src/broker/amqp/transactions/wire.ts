import rhea, { type Connection, type Delivery, type Receiver, type Typed } from 'rhea';
import type { AmqpFault } from '../conditions.js';

/*
 * The types of AMQP 1.0 part 4 (transactions), which rhea does not know. Like `transport.ts` this depends on how rhea
 * works inside: it was written against rhea 3.0.5.
 */
const { types } = rhea;

/** Descriptor codes of part 4, section 4.5, and of the target in part 3, section 3.5.4. */
const CODE = { target: 0x29, coordinator: 0x30, declared: 0x33, transactionalState: 0x34 } as const;
const SYMBOL: Readonly<Record<number, string>> = {
  [CODE.coordinator]: 'amqp:coordinator:list',
  [CODE.transactionalState]: 'amqp:transactional-state:list',
};

/** The address under which a link to the coordinator is served; its target has none. */
const COORDINATOR_ADDRESS = '$coordinator';

/** A value as rhea reads it, before it is unwrapped. */
interface Read {
  readonly descriptor?: { readonly value: unknown };
  readonly value: unknown;
}

interface Frame {
  readonly performative: { target?: Read; state?: Read | undefined; value: unknown[] };
}

interface Internals {
  on_attach(frame: Frame): void;
  on_disposition(frame: Frame): void;
  on_transfer(frame: Frame): void;
}

/** Position of `state` in a transfer (part 2, section 2.7.5). */
const TRANSFER_STATE = 7;

/** What becomes the state of a delivery that comes in as part of a transaction. */
interface InTransaction {
  readonly transaction: string;
}

const is = (read: Read | undefined, code: number): boolean => {
  const descriptor = read?.descriptor?.value;
  return descriptor !== undefined && (Number(descriptor) === code || String(descriptor) === SYMBOL[code]);
};

const described = (code: number, fields: readonly unknown[]): Typed =>
  (types as unknown as { described_nc(descriptor: unknown, value: unknown): Typed }).described_nc(
    types.wrap_ulong(code),
    types.wrap_list(fields as never),
  );

/** `transactional-state` is `[txn-id, outcome]` (section 4.5.8). */
function readState(state: Read | undefined): { readonly id: string; readonly outcome: Read | undefined } | undefined {
  if (state === undefined || !is(state, CODE.transactionalState) || !Array.isArray(state.value)) return undefined;
  const [id, outcome] = state.value as (Read | undefined)[];
  if (!Buffer.isBuffer(id?.value)) return undefined;
  const fields = Array.isArray(outcome?.value) && outcome.descriptor !== undefined ? outcome.value : undefined;
  // A list of its own: rhea has but one empty list for all outcomes without fields.
  const own = outcome && fields && { descriptor: outcome.descriptor, value: [...(fields as unknown[])] };
  return { id: id.value.toString('hex'), outcome: own as Read | undefined };
}

/** The transactions of outcomes, by the list of fields that rhea keeps of an outcome. */
const transactions = new WeakMap<object, string>();

/**
 * Lets links to the coordinator attach, and takes outcomes out of transactional states: they then arrive as any other
 * outcome, and `transactionOfOutcome` tells which transaction they belong to.
 */
export function takeTransactions(connection: Connection): void {
  const inner = connection as unknown as Internals;
  const proto = Object.getPrototypeOf(connection) as Internals;
  inner.on_attach = (frame) => {
    const { performative } = frame;
    if (is(performative.target, CODE.coordinator)) {
      performative.target = described(CODE.target, [types.wrap_string(COORDINATOR_ADDRESS)]) as unknown as Read;
    }
    proto.on_attach.call(connection, frame);
  };
  const { on_transfer } = inner;
  inner.on_transfer = (frame) => {
    const { value } = frame.performative;
    const state = value[TRANSFER_STATE] ? readState(value[TRANSFER_STATE] as Read) : undefined;
    // rhea would take the state apart, and lose what it is.
    if (state !== undefined) value[TRANSFER_STATE] = { transaction: state.id } satisfies InTransaction;
    on_transfer.call(connection, frame);
  };
  inner.on_disposition = (frame) => {
    const { performative } = frame;
    const state = readState(performative.state);
    if (state !== undefined) {
      performative.state = state.outcome;
      if (state.outcome) transactions.set(state.outcome.value as object, state.id);
    }
    proto.on_disposition.call(connection, frame);
  };
}

/** The transaction in which a receiver settles a delivery; undefined outside of any. */
export function transactionOfOutcome(delivery: Delivery): string | undefined {
  const fields = (delivery.remote_state as unknown as { value?: object } | undefined)?.value;
  return fields === undefined ? undefined : transactions.get(fields);
}

/** The transaction in which a message is sent; undefined outside of any. */
export const transactionOfTransfer = (delivery: Delivery): string | undefined =>
  (delivery.remote_state as unknown as Partial<InTransaction> | undefined)?.transaction;

const idValue = (id: string): unknown => types.wrap_binary(Buffer.from(id, 'hex') as never);

export const declaredState = (id: string): unknown => described(CODE.declared, [idValue(id)]);

export const transactionalState = (id: string, outcome: unknown): unknown =>
  described(CODE.transactionalState, [idValue(id), outcome]);

/** Answers the attach with a coordinator, and with what it can do (section 4.5.1). */
export function answerAsCoordinator(link: Receiver): void {
  const capabilities = ['amqp:local-transactions', 'amqp:multi-txns-per-ssn', 'amqp:multi-ssns-per-txn'];
  const symbols = types.wrap_array(capabilities as never, 0xa3, undefined);
  const { local } = link as unknown as { local: { attach: { target: unknown } } };
  local.attach.target = described(CODE.coordinator, [symbols]);
}

export const unknownTransaction: AmqpFault = {
  condition: 'amqp:transaction:unknown-id',
  description: 'The transaction does not exist: it was never declared, is discharged, or has timed out.',
};
export const rolledBack = (why: string): AmqpFault => ({ condition: 'amqp:transaction:rollback', description: why });
