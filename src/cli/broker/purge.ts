import { createEntityDirectory, createPurger, type SubQueue } from '../../messaging/index.js';
import { confirm } from './confirm.js';
import { fetchStatus } from './fetch-status.js';
import { type FindFlags, findBroker } from './find.js';
import { messagesOnly, parsePlace } from './place.js';
import { createProgress } from './progress.js';

export interface PurgeFlags extends FindFlags {
  readonly all?: true;
  readonly yes?: true;
}

/** Messages of one kind, as many as were there when it began: what comes meanwhile stays. */
interface Part {
  readonly what: string;
  readonly count: number;
  readonly subQueue?: SubQueue;
}

const AT_ONCE = 256;

export async function runPurge(entity: string, flags: PurgeFlags): Promise<void> {
  const broker = findBroker(flags);
  const access = { connectionString: broker.connectionString };
  const source = messagesOnly(parsePlace(entity, await fetchStatus(broker).catch(() => undefined)));
  const facts = await (await createEntityDirectory(access, { ca: broker.ca })).facts(source);
  const parts: Part[] = [{ what: 'dead letters', count: facts.deadLetters, subQueue: 'deadLetter' }];
  if (flags.all) {
    parts.push({ what: 'active messages', count: facts.activeMessages });
    parts.push({ what: 'transfer dead letters', count: facts.transferDeadLetters, subQueue: 'transferDeadLetter' });
  }
  const full = parts.filter(({ count }) => count > 0);
  if (full.length === 0) {
    process.stdout.write(`${entity} has no ${parts.map(({ what }) => what).join(', ')}\n`);
    return;
  }
  const shown = full.map(({ what, count }) => `${count} ${what}`).join(' and ');
  if (!flags.yes) await confirm(`Remove ${shown} of ${entity} for good?`, 'nothing was removed');
  for (const { what, count, subQueue } of full) {
    const sessions = facts.requiresSession && subQueue === undefined;
    const purger = await createPurger(access, source, { subQueue, sessions });
    const progress = createProgress(`of ${count} ${what}`);
    let removed = 0;
    try {
      while (removed < count) {
        const more = await purger.remove(Math.min(AT_ONCE, count - removed));
        if (more === 0) break;
        removed += more;
        progress(`${removed}`);
      }
    } finally {
      await purger.close();
      process.stdout.write(`${removed} ${what} removed\n`);
    }
  }
}
