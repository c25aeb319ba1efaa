import type { Delivery, EventContext, Receiver, Sender } from 'rhea';
import type { Right } from '../security/index.js';
import type { Address } from './address.js';
import { answerBusRequest } from './bus-management.js';
import { answerCbs } from './cbs.js';
import { type AmqpFault, faultOf, internalError, malformedMessage, serverBusy, unauthorized } from './conditions.js';
import type { ConnectionContext, LinkService } from './context.js';
import { answerHubRequest, failureReply } from './hub-management.js';
import { decodeRequest, type NodeRequest, type Reply, replyLink, sendReply, textProperty } from './requests.js';
import { freeCredit } from './rhea-connection.js';
import { MAX_MESSAGE_BYTES, wasLetGo } from './rhea-transfers.js';
import { acceptedState, dropLate, rejectedState, settleAlone } from './transport.js';

const CREDIT = 100;
/** A message or the state of a session, and what goes with it. */
const MAX_REQUEST_BYTES = MAX_MESSAGE_BYTES + 64 * 1024;
/** Everybody may send these. */
const MAX_TOKEN_REQUEST_BYTES = 64 * 1024;

/** A node as a link names it. */
interface Node {
  readonly address: Extract<Address, { kind: 'cbs' | 'management' }>;
  readonly path: string;
}

/** What each operation on an entity takes; any right is enough for those that are not here. */
const RIGHT_OF: Readonly<Record<string, Right>> = {
  'com.microsoft:schedule-message': 'Send',
  'com.microsoft:cancel-scheduled-message': 'Send',
  'com.microsoft:add-rule': 'Manage',
  'com.microsoft:remove-rule': 'Manage',
  'com.microsoft:enumerate-rules': 'Listen',
  'com.microsoft:peek-message': 'Listen',
  'com.microsoft:renew-lock': 'Listen',
  'com.microsoft:update-disposition': 'Listen',
  'com.microsoft:receive-by-sequence-number': 'Listen',
  'com.microsoft:renew-session-lock': 'Listen',
  'com.microsoft:get-session-state': 'Listen',
  'com.microsoft:set-session-state': 'Listen',
  'com.microsoft:get-message-sessions': 'Listen',
  'com.microsoft:batch-delete-messages': 'Listen',
};

/** The answer to a request that the tokens of the connection do not allow, or no longer. */
function refusal(context: ConnectionContext, path: string, request: NodeRequest): Reply | undefined {
  const operation = textProperty(request, 'operation') ?? '';
  const right = Object.hasOwn(RIGHT_OF, operation) ? RIGHT_OF[operation] : undefined;
  if (context.grants.covers(path, right)) return undefined;
  return failureReply(401, unauthorized(context.namespaceName, path, right));
}

function answer(context: ConnectionContext, { address, path }: Node, request: NodeRequest): Reply | Promise<Reply> {
  if (address.kind === 'cbs') {
    const reply = answerCbs(context.grants, request);
    context.onTokens();
    return reply;
  }
  const { entity } = address;
  const isHub = entity === undefined || (entity.kind === 'named' && context.namespace.findHub(entity.name));
  if (isHub) return answerHubRequest(context, request);
  return refusal(context, path, request) ?? answerBusRequest(context, entity, request);
}

const answersNotTaken: AmqpFault = {
  condition: 'amqp:resource-limit-exceeded',
  description: 'Too many answers wait for the client to give credit for them.',
};

async function refuseBusy({ connection }: ConnectionContext, delivery: Delivery): Promise<void> {
  // Never within the event that brought the request.
  await undefined;
  settleAlone(connection, delivery, rejectedState(serverBusy));
}

/** Serves a link to `$cbs` or `$management`: requests come in on it, answers go out on the link that the client opened for them. */
export function serveNode(context: ConnectionContext, receiver: Receiver, at: Node): LinkService {
  const isCbs = at.address.kind === 'cbs';
  const node = isCbs ? '$cbs' : '$management';
  const maxBytes = isCbs ? MAX_TOKEN_REQUEST_BYTES : MAX_REQUEST_BYTES;
  receiver.add_credit(CREDIT);

  /** What goes wrong with a request is an answer to it: a client would wait for one. */
  async function replyTo(request: NodeRequest): Promise<Reply> {
    try {
      return await answer(context, at, request);
    } catch (error) {
      const fault = faultOf(error, context.onError);
      return failureReply(fault.condition === internalError.condition ? 500 : 400, fault);
    }
  }

  /** Answers that wait for credit that the client does not give would wait in memory. */
  function refuseAnswers(link: Sender): boolean {
    if (freeCredit(link) > 0 || !context.congested()) return false;
    receiver.close({ ...answersNotTaken });
    return true;
  }

  async function handle(bytes: Buffer, delivery: Delivery): Promise<void> {
    await undefined;
    let request: NodeRequest;
    try {
      if (bytes.length > maxBytes) throw new Error('too large');
      request = decodeRequest(bytes);
    } catch {
      settleAlone(context.connection, delivery, rejectedState(malformedMessage('The request is not an AMQP message.')));
      return;
    }
    // Its outcome has to leave before the answer does: there are clients (uAMQP) that break where it does not.
    settleAlone(context.connection, delivery, acceptedState());
    const reply = await replyTo(request);
    const link = replyLink(context.connection, node, request.replyTo);
    if (link?.is_open() && !refuseAnswers(link)) sendReply(link, request, reply);
  }

  receiver.on('message', ({ message, delivery: given }: EventContext) => {
    const delivery = given as Delivery;
    if (dropLate(receiver, delivery)) return;
    const bytes = message as unknown as Buffer;
    const { length } = bytes;
    const taken = !wasLetGo(delivery) && context.pressure.enter(context.socket, length);
    const work = taken ? handle(bytes, delivery) : refuseBusy(context, delivery);
    work.catch(context.onError).finally(() => {
      if (taken) context.pressure.leave(length);
      receiver.add_credit(1);
    });
  });
  return {};
}
