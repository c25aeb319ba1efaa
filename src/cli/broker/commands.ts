import type { Command } from 'commander';
import { ownDataDir, positiveInteger, runningDataDir, wholeNumber } from '../options.js';
import type { PeekFlags } from './peek.js';
import type { PurgeFlags } from './purge.js';
import type { RepairFlags } from './repair.js';
import type { ResubmitFlags } from './resubmit.js';
import type { StatusFlags } from './status.js';

const DEFAULT_COUNT = 10;
const DEFAULT_BODY_LENGTH = 300;

/** The commands for a running broker, and one for a broker that does not start. Their parts are loaded when they run: the broker itself needs none of them. */
export function registerLookingCommands(command: Command): void {
  registerStatus(command);
  registerPeek(command);
  registerResubmit(command);
  registerPurge(command);
  registerRepair(command);
}

const withFindOptions = (command: Command): Command =>
  command
    .option(...runningDataDir)
    .option('--connection-string <text>', 'a broker elsewhere, instead of that of --data-dir')
    .option('--ca-file <file>', 'certificate authority of the broker of --connection-string');

function registerStatus(parent: Command): void {
  withFindOptions(
    parent.command('status').description('entities with their messages by state, hubs with partitions and readers'),
  )
    .option('--json', 'as JSON')
    .action(async (flags: StatusFlags) => (await import('./status.js')).runStatus(flags));
}

function registerPeek(parent: Command): void {
  withFindOptions(
    parent
      .command('peek')
      .description('show messages without taking them')
      .argument('<entity>', 'a queue, topic/subscription, or hub/partition'),
  )
    .option('--count <number>', 'how many at most', positiveInteger, DEFAULT_COUNT)
    .option('--from-sequence <number>', 'the first sequence number (default: the oldest message)', wholeNumber)
    .option('--dead-letter', 'of the dead-letter queue')
    .option('--transfer-dead-letter', 'of the transfer dead-letter queue')
    .option('--consumer-group <name>', 'group to read a hub as', '$Default')
    .option('--body-length <number>', 'most characters of a body', positiveInteger, DEFAULT_BODY_LENGTH)
    .option('--json', 'one line of JSON a message, bodies in full')
    .action(async (entity: string, flags: PeekFlags) => (await import('./peek.js')).runPeek(entity, flags));
}

function registerResubmit(parent: Command): void {
  withFindOptions(
    parent
      .command('resubmit')
      .description('send dead letters again, and take each out once the broker has it')
      .argument('<entity>', 'a queue, or topic/subscription'),
  )
    .option('--to <entity>', 'queue or topic to send to (default: the queue, or the topic of the subscription)')
    .option('--max <number>', 'most messages', positiveInteger)
    .option('--reason <text>', 'only those that were dead-lettered for this reason')
    .option('--transfer-dead-letter', 'those of the transfer dead-letter queue')
    .action(async (entity: string, flags: ResubmitFlags) => (await import('./resubmit.js')).runResubmit(entity, flags));
}

function registerPurge(parent: Command): void {
  withFindOptions(
    parent
      .command('purge')
      .description('remove dead letters, or all messages, for good')
      .argument('<entity>', 'a queue, or topic/subscription'),
  )
    .option('--all', 'active messages and transfer dead letters too; deferred and scheduled ones stay')
    .option('--yes', 'do not ask')
    .action(async (entity: string, flags: PurgeFlags) => (await import('./purge.js')).runPurge(entity, flags));
}

function registerRepair(parent: Command): void {
  parent
    .command('repair')
    .description('look for damage in the files of a broker that is not running, and make it start without what is lost')
    .option(...ownDataDir)
    .option('--yes', 'do not ask before something is given up')
    .action(async (flags: RepairFlags) => (await import('./repair.js')).runRepair(flags));
}
