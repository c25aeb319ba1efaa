import { messageOf } from '../../shared/errors.js';
import { compileAction, compileFilter } from '../filters/index.js';
import type {
  DuplicateDetection,
  HubDefinition,
  QueueSettings,
  RuleDefinition,
  SubscriptionDefinition,
  Topology,
} from './types.js';

/*
 * What the services refuse, by their documentation:
 * https://learn.microsoft.com/azure/service-bus-messaging/service-bus-quotas and
 * https://learn.microsoft.com/azure/event-hubs/event-hubs-quotas (the widest tier: what a tier allows is checked where
 * the tier is known).
 */

const SECOND_MS = 1000;
const DAY_MS = 86_400_000;

/** Queues and topics may be named like paths; the other entities may not. */
const pathName = /^[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9_])?$/;
const plainName = /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?$/;

type Report = (entity: string, message: string) => void;

/** @returns what is wrong, one line for each fault, naming the entity; empty when all is well */
export function checkTopology(topology: Topology, leastDuplicateWindowMs = 20 * SECOND_MS): readonly string[] {
  const problems: string[] = [];
  const report: Report = (entity, message) => {
    problems.push(`${entity}: ${message}`);
  };
  const queuesAndTopics = [...topology.queues, ...topology.topics];
  unique('queues and topics', queuesAndTopics, report);
  unique('hubs', topology.hubs, report);
  const targets = new Set(queuesAndTopics.map((entity) => entity.name.toLowerCase()));
  for (const queue of topology.queues) {
    const entity = `queue ${queue.name}`;
    checkName(entity, queue.name, 260, report, pathName);
    checkQueueSettings(entity, queue, targets, report);
    checkDuplicateWindow(entity, queue, leastDuplicateWindowMs, report);
  }
  for (const topic of topology.topics) {
    const entity = `topic ${topic.name}`;
    checkName(entity, topic.name, 260, report, pathName);
    checkDuplicateWindow(entity, topic, leastDuplicateWindowMs, report);
    within(entity, 'number of subscriptions', topic.subscriptions.length, 0, 2000, report);
    unique(entity, topic.subscriptions, report);
    for (const one of topic.subscriptions)
      checkSubscription(`${entity}, subscription ${one.name}`, one, targets, report);
  }
  for (const hub of topology.hubs) checkHub(`hub ${hub.name}`, hub, report);
  return problems;
}

function checkSubscription(
  entity: string,
  subscription: SubscriptionDefinition,
  targets: ReadonlySet<string>,
  report: Report,
): void {
  checkName(entity, subscription.name, 50, report);
  checkQueueSettings(entity, subscription, targets, report);
  unique(entity, subscription.rules, report);
  for (const rule of subscription.rules) checkRule(`${entity}, rule ${rule.name}`, rule, report);
}

function checkRule(entity: string, rule: RuleDefinition, report: Report): void {
  if (rule.name !== '$Default') checkName(entity, rule.name, 50, report);
  if (rule.filter.kind === 'sql')
    within(entity, 'length of the filter', rule.filter.expression.length, 1, 1024, report);
  if (rule.action !== undefined) within(entity, 'length of the action', rule.action.length, 1, 1024, report);
  try {
    compileFilter(rule.filter);
    if (rule.action !== undefined) compileAction(rule.action);
  } catch (error) {
    report(entity, messageOf(error));
  }
}

function checkQueueSettings(entity: string, settings: QueueSettings, targets: ReadonlySet<string>, report: Report) {
  within(entity, 'lockDuration in seconds', settings.lockDurationMs / SECOND_MS, 5, 300, report);
  within(entity, 'maxDeliveryCount', settings.maxDeliveryCount, 1, 2000, report);
  if (settings.defaultMessageTimeToLiveMs < SECOND_MS) report(entity, 'defaultMessageTimeToLive is below one second');
  for (const key of ['forwardTo', 'forwardDeadLetteredMessagesTo'] as const) {
    const target = settings[key];
    if (target === undefined) continue;
    if (!targets.has(target.toLowerCase())) report(entity, `${key}: there is no queue or topic ${target}`);
    if (entity.toLowerCase() === `queue ${target.toLowerCase()}`) report(entity, `${key} is the queue itself`);
  }
}

function checkDuplicateWindow(entity: string, settings: DuplicateDetection, leastMs: number, report: Report): void {
  const seconds = settings.duplicateDetectionHistoryTimeWindowMs / SECOND_MS;
  within(entity, 'duplicateDetectionHistoryTimeWindow in seconds', seconds, leastMs / SECOND_MS, 7 * 86_400, report);
}

function checkHub(entity: string, hub: HubDefinition, report: Report): void {
  checkName(entity, hub.name, 256, report);
  within(entity, 'partitionCount', hub.partitionCount, 1, 1024, report);
  within(entity, 'retention in days', hub.retentionMs / DAY_MS, 1 / 24, 90, report);
  within(entity, 'number of consumer groups', hub.consumerGroups.length, 0, 1000, report);
  unique(
    entity,
    hub.consumerGroups.map((name) => ({ name })),
    report,
  );
  for (const group of hub.consumerGroups) checkName(`${entity}, consumer group ${group}`, group, 50, report);
}

function checkName(entity: string, name: string, longest: number, report: Report, pattern = plainName): void {
  if (name.length < 1 || name.length > longest) report(entity, `a name has 1 to ${longest} characters`);
  else if (!pattern.test(name))
    report(entity, 'a name has letters, digits, ".", "-" and "_", and begins with a letter or a digit and ends so');
}

function within(entity: string, what: string, value: number, least: number, most: number, report: Report): void {
  if (!(value >= least && value <= most)) report(entity, `${what} is ${value}, not within ${least} to ${most}`);
}

function unique(entity: string, items: readonly { readonly name: string }[], report: Report): void {
  const seen = new Set<string>();
  for (const { name } of items) {
    const key = name.toLowerCase();
    if (seen.has(key)) report(entity, `there are two named ${name}`);
    seen.add(key);
  }
}
