import type { Delivery, EventContext, Receiver } from 'rhea';
import { type CoordinatorRequest, parseCoordinatorRequest } from '../../message/index.js';
import { type AmqpFault, faultOf, notImplemented } from '../conditions.js';
import type { ConnectionContext, LinkService } from '../context.js';
import { acceptDelivery, rejectedState, settleAlone } from '../transport.js';
import { answerAsCoordinator, declaredState } from './wire.js';

const CREDIT = 100;
const MAX_REQUEST_BYTES = 4096;

const notUnderstood = notImplemented('The coordinator understands declare, without a global id, and discharge.');

function parse(bytes: Buffer): CoordinatorRequest {
  const request = bytes.length > MAX_REQUEST_BYTES ? undefined : parseCoordinatorRequest(bytes);
  if (request === undefined) throw notUnderstood;
  return request;
}

/** Serves a link to the coordinator, on which a client declares and discharges transactions (AMQP 1.0 part 4). */
export function serveCoordinator(context: ConnectionContext, receiver: Receiver): LinkService {
  const { connection, transactions, onError } = context;
  answerAsCoordinator(receiver);
  receiver.add_credit(CREDIT);

  /** The state to settle a declare with; undefined for a discharge that went well. */
  async function work(request: CoordinatorRequest): Promise<unknown> {
    const answer: object | undefined =
      request.kind === 'declare'
        ? transactions.declare(receiver)
        : await transactions.discharge(request.id, request.fail);
    if (answer === undefined) return undefined;
    if ('condition' in answer) throw answer as AmqpFault;
    return declaredState((answer as { id: string }).id);
  }

  async function handle(bytes: Buffer, delivery: Delivery): Promise<void> {
    // Never within the event that brought the transfer.
    await undefined;
    try {
      const state = await work(parse(bytes));
      if (state === undefined) acceptDelivery(delivery);
      else settleAlone(connection, delivery, state);
    } catch (error) {
      settleAlone(connection, delivery, rejectedState(faultOf(error, onError)));
    } finally {
      receiver.add_credit(1);
    }
  }

  receiver.on('message', ({ message, delivery }: EventContext) => {
    void handle(message as unknown as Buffer, delivery as Delivery);
  });
  return { detach: () => transactions.abandon(receiver) };
}
