import { createDeadLetterTaker, createEntityDirectory, type SubQueue } from '../../messaging/index.js';
import { fetchStatus } from './fetch-status.js';
import { type FindFlags, findBroker } from './find.js';
import { messagesOnly, parsePlace } from './place.js';
import { createProgress } from './progress.js';
import { resend } from './resend.js';

export interface ResubmitFlags extends FindFlags {
  readonly to?: string;
  readonly max?: number;
  readonly reason?: string;
  readonly transferDeadLetter?: true;
}

export async function runResubmit(entity: string, flags: ResubmitFlags): Promise<void> {
  const broker = findBroker(flags);
  const access = { connectionString: broker.connectionString };
  const source = messagesOnly(parsePlace(entity, await fetchStatus(broker).catch(() => undefined)));
  const to = flags.to ?? ('queue' in source ? source.queue : source.topic);
  const directory = await createEntityDirectory(access, { ca: broker.ca });
  const [facts, newIds] = await Promise.all([directory.facts(source), directory.detectsDuplicates(to)]);
  const present = flags.transferDeadLetter ? facts.transferDeadLetters : facts.deadLetters;
  const subQueue: SubQueue = flags.transferDeadLetter ? 'transferDeadLetter' : 'deadLetter';
  const progress = createProgress(`of ${present}`);
  const taker = await createDeadLetterTaker(access, source, { to, subQueue });
  try {
    const { sent, skipped } = await resend(taker, {
      max: flags.max ?? Number.POSITIVE_INFINITY,
      present,
      reason: flags.reason,
      newIds,
      onProgress: (tally) => progress(`${tally.sent} sent`),
    });
    const left = skipped > 0 ? `, ${skipped} left where they are` : '';
    const ids = newIds && sent > 0 ? `; ${to} detects duplicates, so that each has a new message id` : '';
    process.stdout.write(`${sent} of ${present} dead letters sent to ${to}${left}${ids}\n`);
  } finally {
    await taker.close();
  }
}
