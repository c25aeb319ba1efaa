import { createEventBrowser, createMessageBrowser, type SeenMessage, type SubQueue } from '../../messaging/index.js';
import { printText } from '../print-text.js';
import { BrokerCommandError } from './errors.js';
import { fetchStatus } from './fetch-status.js';
import { type FindFlags, findBroker } from './find.js';
import { describeMessage, messageAsJson } from './message-text.js';
import { parsePlace } from './place.js';

export interface PeekFlags extends FindFlags {
  readonly count: number;
  readonly fromSequence?: number;
  readonly deadLetter?: true;
  readonly transferDeadLetter?: true;
  readonly consumerGroup: string;
  readonly bodyLength: number;
  readonly json?: true;
}

export async function runPeek(entity: string, flags: PeekFlags): Promise<void> {
  const messages = await peek(entity, flags);
  for (const message of messages)
    printText(flags.json ? messageAsJson(message) : describeMessage(message, flags.bodyLength));
  if (messages.length === 0) process.stderr.write('there are no messages\n');
}

async function peek(entity: string, flags: PeekFlags): Promise<SeenMessage[]> {
  const broker = findBroker(flags);
  const access = { connectionString: broker.connectionString };
  const place = parsePlace(entity, await fetchStatus(broker).catch(() => undefined));
  if (place.kind === 'partition') {
    if (flags.deadLetter || flags.transferDeadLetter)
      throw new BrokerCommandError('PS_BROKER_ENTITY', 'an event hub has no dead letters');
    const { hub, partitionId } = place;
    const browser = await createEventBrowser(access, { hub, consumerGroup: flags.consumerGroup }, partitionId);
    return browser.peek(flags.fromSequence, flags.count).finally(() => browser.close());
  }
  const subQueue: SubQueue | undefined = flags.transferDeadLetter
    ? 'transferDeadLetter'
    : flags.deadLetter
      ? 'deadLetter'
      : undefined;
  const browser = await createMessageBrowser(access, place.source, subQueue);
  return browser.peek(String(flags.fromSequence ?? 0), flags.count).finally(() => browser.close());
}
