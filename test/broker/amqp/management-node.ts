import rhea, { type Connection, type EventContext, type Message } from 'rhea';

const { types } = rhea;
const LONG = 0x81;

/** The fields of each operation, as a good request has them. */
export const OPERATIONS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'renew-lock': { 'lock-tokens': types.wrap_array([Buffer.alloc(16)], 0x98, undefined) },
  'peek-message': { 'from-sequence-number': 1, 'message-count': 1, 'session-id': 's' },
  'schedule-message': { messages: [{ 'message-id': 'm', message: Buffer.from([0, 0x53, 0x77, 0x41]) }] },
  'cancel-scheduled-message': { 'sequence-numbers': types.wrap_array([1], LONG, undefined) },
  'receive-by-sequence-number': {
    'sequence-numbers': types.wrap_array([1], LONG, undefined),
    'receiver-settle-mode': 0,
    'session-id': 's',
  },
  'update-disposition': {
    'disposition-status': 'suspended',
    'lock-tokens': types.wrap_array([Buffer.alloc(16)], 0x98, undefined),
    'deadletter-reason': 'r',
    'deadletter-description': 'd',
    'properties-to-modify': {},
    'session-id': 's',
  },
  'batch-delete-messages': { 'message-count': 1, 'enqueued-time-utc': new Date(0) },
  'renew-session-lock': { 'session-id': 's' },
  'get-session-state': { 'session-id': 's' },
  'set-session-state': { 'session-id': 's', 'session-state': null },
  'get-message-sessions': { 'last-updated-time': new Date(0), skip: 0, top: 1 },
  'add-rule': { 'rule-name': 'r', 'rule-description': { 'sql-filter': { expression: '1=1' } } },
  'remove-rule': { 'rule-name': 'none' },
  'enumerate-rules': { top: 1, skip: 0 },
  'no-such-operation': {},
};

export type Request = readonly [operation: unknown, body: unknown, more?: Readonly<Record<string, unknown>>];

export interface Answer {
  readonly request: Request;
  readonly status: number;
  readonly condition: string | undefined;
  readonly description: string;
}

/** What a node may answer; it never fails by itself. */
export const STATUSES: ReadonlySet<number> = new Set([200, 204, 400, 401, 403, 404, 409, 410, 501]);

/** The field that a description names, of a path the first. */
export const fieldOf = (description: string): string | undefined =>
  /^([\w-]+)(?:\.[^:]+|\[\d+\][\w.]*)?: /.exec(description)?.[1];

function answerOf(request: Request, message: Message): Answer {
  const properties = message.application_properties ?? {};
  const condition: unknown = properties['errorCondition'];
  return {
    request,
    status: properties['statusCode'] ?? properties['status-code'],
    condition: condition === undefined ? undefined : String(condition),
    description: properties['statusDescription'] ?? properties['status-description'],
  };
}

/** Sends requests to the management node of an entity; resolves with the answer to each, in their order. */
export async function askNode(
  connection: Connection,
  entity: string,
  requests: readonly Request[],
): Promise<readonly Answer[]> {
  const address = `${entity}/$management`;
  const replyTo = `to-${entity}`;
  const replies = connection.open_receiver({ source: { address }, target: { address: replyTo }, credit_window: 500 });
  const sender = connection.open_sender({ target: { address } });
  const answers = new Map<number, Answer>();
  await new Promise<void>((resolve, reject) => {
    let next = 0;
    const send = () => {
      while (sender.sendable() && next < requests.length) {
        const [operation, body, more] = requests[next] as Request;
        const application_properties = { operation, ...more };
        sender.send({ message_id: next, reply_to: replyTo, application_properties, body } as Message);
        next++;
      }
    };
    replies.on('message', ({ message }: EventContext) => {
      const index = Number(message?.correlation_id);
      answers.set(index, answerOf(requests[index] as Request, message as Message));
      if (answers.size === requests.length) resolve();
    });
    sender.on('rejected', ({ delivery }: EventContext) => reject(new Error(JSON.stringify(delivery?.remote_state))));
    sender.on('sender_close', () => reject(new Error('the link was closed')));
    sender.on('session_error', () => reject(new Error('the session was ended')));
    connection.removeAllListeners('disconnected');
    connection.once('disconnected', () => reject(new Error('the connection was lost')));
    sender.on('sendable', send);
    send();
  });
  sender.close();
  replies.close();
  return requests.map((_request, index) => answers.get(index) as Answer);
}
