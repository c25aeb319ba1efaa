import rhea, { type Connection, type Delivery, type EventContext, type Receiver, type Sender } from 'rhea';

/*
 * A client that speaks part 4 of AMQP 1.0 (transactions) through rhea, which knows nothing of it: the types are put
 * into its frames here, by the specification and not by the code under test.
 */
const { types } = rhea;
type Value = ReturnType<typeof types.wrap_ulong>;

const described = (code: number, fields: readonly unknown[]): Value =>
  (types as unknown as { described_nc(descriptor: unknown, value: unknown): Value }).described_nc(
    types.wrap_ulong(code),
    types.wrap_list(fields as never),
  );
const binary = (hex: string) => types.wrap_binary(Buffer.from(hex, 'hex') as never);
const DECLARED = 0x33;
const TRANSACTIONAL = 0x34;
const SESSION_FILTER = 'com.microsoft:session-filter';
/** Position of `state` in a transfer. */
const TRANSFER_STATE = 7;
const transactional = (id: string, outcome?: unknown) =>
  described(TRANSACTIONAL, outcome === undefined ? [binary(id)] : [binary(id), outcome]);

/** `amqp-value` of a described list; rhea cannot encode a description within a description. */
const declareBody = Buffer.from('00537700533145', 'hex');
function dischargeBody(id: string, fail: boolean): Buffer {
  const bytes = Buffer.from(id, 'hex');
  const items = Buffer.concat([Buffer.of(0xa0, bytes.length), bytes, Buffer.of(fail ? 0x41 : 0x42)]);
  return Buffer.concat([Buffer.from('005377005332', 'hex'), Buffer.of(0xc0, items.length + 1, 2), items]);
}

interface State {
  readonly descriptor: { readonly value: unknown };
  readonly value: readonly { readonly value: unknown }[];
}
interface Disposition {
  readonly performative: { state?: unknown };
}
interface Internals {
  on_disposition(frame: Disposition): void;
}
interface SessionInternals {
  output(frame: { delivery_id?: number; value: unknown[] }, payload?: Buffer): void;
}

/** What the broker answered: the condition of an error, the id of a transaction, or how it settled. */
interface Answer {
  readonly condition?: string;
  readonly description?: string;
  /** Of a declare, or of the transactional state around the outcome. */
  readonly transaction?: string;
}

const OUTCOMES = {
  complete: () => described(0x24, []),
  reject: (reason: string) =>
    described(0x25, [
      described(0x1d, [
        types.wrap_symbol('com.microsoft:dead-letter'),
        types.wrap_string(''),
        types.wrap_map({ DeadLetterReason: reason }),
      ]),
    ]),
  abandon: () => described(0x27, [types.wrap_boolean(true), types.wrap_boolean(false)]),
  defer: () => described(0x27, [types.wrap_boolean(true), types.wrap_boolean(true)]),
} as const;

export type How = keyof typeof OUTCOMES;

export interface Controller {
  readonly connection: Connection;
  declare(): Promise<string>;
  discharge(id: string, fail?: boolean): Promise<Answer>;
  /** Sends in a transaction where one is named; `address` may name a destination behind it, as `via>destination`. */
  send(address: string, message: object, id?: string): Promise<Answer>;
  /** From one session where one is named. */
  receive(
    address: string,
    count: number,
    session?: string,
  ): Promise<{ message: Record<string, unknown>; delivery: Delivery }[]>;
  settle(delivery: Delivery, how: How, id?: string): Promise<Answer>;
  /** Gives a session back. */
  leaveSession(address: string, session: string): Promise<void>;
  /** Ends the link to the coordinator alone. */
  leaveCoordinator(): Promise<void>;
  close(): Promise<void>;
}

const endpoint = (connectionString: string) => {
  const fields = new Map(
    connectionString.split(';').map((part) => part.split(/=(.*)/s).slice(0, 2) as [string, string]),
  );
  const { hostname, port } = new URL((fields.get('Endpoint') ?? '').replace('sb://', 'http://'));
  return {
    host: hostname,
    port: Number(port),
    username: fields.get('SharedAccessKeyName'),
    password: fields.get('SharedAccessKey'),
  };
};

export async function connectController(connectionString: string): Promise<Controller> {
  const container = rhea.create_container();
  const connection = container.connect({ ...endpoint(connectionString), transport: 'tcp', reconnect: false } as never);
  connection.on('disconnected', () => {});
  connection.on('connection_error', () => {});
  const ids = new WeakMap<object, string>();
  const inner = connection as unknown as Internals;
  const proto = Object.getPrototypeOf(connection) as Internals;
  inner.on_disposition = (frame) => {
    const state = frame.performative.state as State | undefined;
    const code = Number(state?.descriptor.value);
    if (state && (code === DECLARED || code === TRANSACTIONAL)) {
      const told = (code === DECLARED ? OUTCOMES.complete() : state.value[1]) as unknown as {
        descriptor: unknown;
        value: object[];
      };
      // rhea has but one empty list for all outcomes without fields.
      const outcome = { descriptor: told.descriptor, value: [...told.value] };
      const [id] = state.value as [{ readonly value: Buffer }];
      ids.set(outcome.value, id.value.toString('hex'));
      frame.performative.state = outcome;
    }
    proto.on_disposition.call(connection, frame);
  };

  function answerOf(delivery: Delivery): Answer {
    const state = delivery.remote_state as unknown as {
      value: object;
      error?: { condition: string; description: string };
    };
    const transaction = ids.get(state.value);
    const { error } = state;
    return {
      ...(error ? { condition: error.condition, description: error.description } : {}),
      ...(transaction === undefined ? {} : { transaction }),
    };
  }

  const waiting = new WeakMap<Delivery, (answer: Answer) => void>();
  const answered = (delivery: Delivery) => new Promise<Answer>((resolve) => waiting.set(delivery, resolve));
  const onSettled = ({ delivery }: EventContext) => waiting.get(delivery as Delivery)?.(answerOf(delivery as Delivery));

  const opened = <L extends Sender | Receiver>(link: L, event: string) =>
    new Promise<L>((resolve, reject) => {
      link.once(event, () => resolve(link));
      link.once(link.is_sender() ? 'sender_error' : 'receiver_error', ({ sender, receiver }: EventContext) =>
        reject((sender ?? receiver)?.error ?? new Error('the link was refused')),
      );
    });

  async function openSender(target: unknown, properties?: object): Promise<Sender> {
    const sender = connection.open_sender({ target: { address: 'x' }, autosettle: true, properties } as never);
    (sender as unknown as { local: { attach: { target: unknown } } }).local.attach.target = target;
    sender.on('settled', onSettled);
    await opened(sender, 'sendable');
    return sender;
  }

  const senders = new Map<string, Promise<Sender>>();
  const senderTo = (address: string): Promise<Sender> => {
    const [target = '', destination] = address.split('>');
    const properties = destination && { 'com.microsoft:transfer-destination-address': destination };
    const open =
      senders.get(address) ?? openSender(described(0x29, [types.wrap_string(target)]), properties || undefined);
    senders.set(address, open);
    return open;
  };
  let coordinator: Promise<Sender> | undefined;
  const ask = async (body: Buffer): Promise<Answer> => {
    coordinator ??= openSender(described(0x30, [types.wrap_symbol('amqp:local-transactions')]));
    return answered((await coordinator).send(body, undefined, 0));
  };

  /** Has the transfer of a delivery, which rhea writes later, carry a state. */
  function withState(sender: Sender, delivery: Delivery, state: Value): void {
    const session = sender.session as unknown as SessionInternals;
    const output = session.output;
    session.output = (frame, payload) => {
      if (frame.delivery_id === delivery.id) {
        frame.value[TRANSFER_STATE] = state;
        session.output = output;
      }
      output.call(session, frame, payload);
    };
  }

  const receivers = new Map<string, Receiver>();
  return {
    connection,
    async declare() {
      const { transaction, condition } = await ask(declareBody);
      if (transaction === undefined) throw new Error(`not declared: ${condition}`);
      return transaction;
    },
    discharge: (id, fail = false) => ask(dischargeBody(id, fail)),
    async send(address, message, id) {
      const sender = await senderTo(address);
      const delivery = sender.send(message as never);
      if (id !== undefined) withState(sender, delivery, transactional(id));
      return answered(delivery);
    },
    async receive(address, count, session) {
      const key = `${address}>${session}`;
      const known = receivers.get(key);
      const receiver =
        known ??
        connection.open_receiver({
          source: session === undefined ? { address } : { address, filter: { [SESSION_FILTER]: session } },
          credit_window: 0,
          autoaccept: false,
          rcv_settle_mode: 1,
        } as never);
      receivers.set(key, receiver);
      if (known === undefined) {
        receiver.on('settled', onSettled);
        await opened(receiver, 'receiver_open');
      }
      const got: { message: Record<string, unknown>; delivery: Delivery }[] = [];
      await new Promise<void>((resolve) => {
        const onMessage = ({ message, delivery }: EventContext) => {
          got.push({ message: message as unknown as Record<string, unknown>, delivery: delivery as Delivery });
          if (got.length < count) return;
          receiver.removeListener('message', onMessage);
          resolve();
        };
        receiver.on('message', onMessage);
        receiver.add_credit(count);
      });
      return got;
    },
    settle(delivery, how, id) {
      const outcome = OUTCOMES[how]('bad');
      delivery.update(false, (id === undefined ? outcome : transactional(id, outcome)) as never);
      return answered(delivery);
    },
    async leaveSession(address, session) {
      const key = `${address}>${session}`;
      const link = receivers.get(key);
      const closed = new Promise((resolve) => link?.once('receiver_close', resolve));
      link?.close();
      await closed;
      receivers.delete(key);
    },
    async leaveCoordinator() {
      const link = await coordinator;
      const closed = new Promise((resolve) => link?.once('sender_close', resolve));
      link?.close();
      await closed;
      coordinator = undefined;
    },
    close: () =>
      new Promise((resolve) => {
        connection.once('connection_close', () => resolve());
        connection.once('disconnected', () => resolve());
        connection.close();
      }),
  };
}
