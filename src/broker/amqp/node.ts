import type { Delivery, EventContext, Receiver } from 'rhea';
import type { Right } from '../security/index.js';
import type { Address } from './address.js';
import { answerBusRequest } from './bus-management.js';
import { answerCbs } from './cbs.js';
import { malformedMessage, unauthorized } from './conditions.js';
import type { ConnectionContext, LinkService } from './context.js';
import { answerHubRequest, failureReply } from './hub-management.js';
import { decodeRequest, type NodeRequest, type Reply, replyLink, sendReply, textProperty } from './requests.js';
import { MAX_MESSAGE_BYTES } from './rhea-connection.js';
import { acceptDelivery, dropLate, rejectedState, settleAlone } from './transport.js';

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

/** Serves a link to `$cbs` or `$management`: requests come in on it, answers go out on the link that the client opened for them. */
export function serveNode(context: ConnectionContext, receiver: Receiver, at: Node): LinkService {
  const isCbs = at.address.kind === 'cbs';
  const node = isCbs ? '$cbs' : '$management';
  const maxBytes = isCbs ? MAX_TOKEN_REQUEST_BYTES : MAX_REQUEST_BYTES;
  receiver.add_credit(CREDIT);

  async function handle(bytes: Buffer, delivery: Delivery): Promise<void> {
    await undefined;
    let request: NodeRequest;
    try {
      if (bytes.length > maxBytes) throw new Error('too large');
      request = decodeRequest(bytes);
    } catch {
      settleAlone(context.connection, delivery, rejectedState(malformedMessage('The request is not an AMQP message.')));
      return;
    } finally {
      receiver.add_credit(1);
    }
    acceptDelivery(delivery);
    const reply = await answer(context, at, request);
    const link = replyLink(context.connection, node, request.replyTo);
    if (link?.is_open()) sendReply(link, request, reply);
  }

  receiver.on('message', ({ message, delivery }: EventContext) => {
    if (dropLate(receiver, delivery as Delivery)) return;
    handle(message as unknown as Buffer, delivery as Delivery).catch(context.onError);
  });
  return {};
}
