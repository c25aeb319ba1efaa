import type { Delivery, EventContext, Receiver } from 'rhea';
import type { Address } from './address.js';
import { answerBusRequest } from './bus-management.js';
import { answerCbs } from './cbs.js';
import { malformedMessage } from './conditions.js';
import type { ConnectionContext, LinkService } from './context.js';
import { answerHubRequest } from './hub-management.js';
import { decodeRequest, type NodeRequest, type Reply, replyLink, sendReply } from './requests.js';
import { acceptDelivery, MAX_MESSAGE_BYTES, rejectedState, settleAlone } from './transport.js';

const CREDIT = 100;
/** A message or the state of a session, and what goes with it. */
const MAX_REQUEST_BYTES = MAX_MESSAGE_BYTES + 64 * 1024;

type NodeAddress = Extract<Address, { kind: 'cbs' | 'management' }>;

function answer(context: ConnectionContext, address: NodeAddress, request: NodeRequest): Reply | Promise<Reply> {
  if (address.kind === 'cbs') return answerCbs(context.grants, request);
  const { entity } = address;
  const isHub = entity === undefined || (entity.kind === 'named' && context.namespace.findHub(entity.name));
  return isHub ? answerHubRequest(context, request) : answerBusRequest(context, entity, request);
}

/** Serves a link to `$cbs` or `$management`: requests come in on it, answers go out on the link that the client opened for them. */
export function serveNode(context: ConnectionContext, receiver: Receiver, address: NodeAddress): LinkService {
  const node = address.kind === 'cbs' ? '$cbs' : '$management';
  receiver.add_credit(CREDIT);

  async function handle(bytes: Buffer, delivery: Delivery): Promise<void> {
    await undefined;
    let request: NodeRequest;
    try {
      if (bytes.length > MAX_REQUEST_BYTES) throw new Error('too large');
      request = decodeRequest(bytes);
    } catch {
      settleAlone(context.connection, delivery, rejectedState(malformedMessage('The request is not an AMQP message.')));
      return;
    } finally {
      receiver.add_credit(1);
    }
    acceptDelivery(delivery);
    const reply = await answer(context, address, request);
    const link = replyLink(context.connection, node, request.replyTo);
    if (link?.is_open()) sendReply(link, request, reply);
  }

  receiver.on('message', ({ message, delivery }: EventContext) => {
    handle(message as unknown as Buffer, delivery as Delivery).catch(context.onError);
  });
  return {};
}
