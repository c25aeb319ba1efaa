import { messageOf } from '../../shared/errors.js';
import { compileAction, compileFilter } from '../filters/index.js';
import type {
  AuthorizationRule,
  DuplicateDetection,
  EntitySettings,
  FilterValue,
  IntakeSettings,
  QueueDefinition,
  QueueSettings,
  RuleDefinition,
  SubscriptionDefinition,
  TopicDefinition,
} from './types.js';

/*
 * What the service refuses of one queue, topic, subscription or rule, by its documentation:
 * https://learn.microsoft.com/azure/service-bus-messaging/service-bus-quotas (the widest tier: what a tier allows is
 * checked where the tier is known). Files and the administration API are held to the same rules.
 */

const SECOND_MS = 1000;
const MINUTE_MS = 60_000;

/** Of a queue or topic that says nothing of its size. */
export const DEFAULT_SIZE_IN_MEGABYTES = 1024;
const LEAST_DUPLICATE_WINDOW_MS = 20 * SECOND_MS;
export const MAX_SUBSCRIPTIONS = 2000;
export const MAX_RULES = 2000;
const MAX_AUTHORIZATION_RULES = 12;
const MAX_FILTER_VALUES = 256;
const MAX_VALUE_CHARACTERS = 1024;
const MAX_METADATA_CHARACTERS = 1024;
/** Standard offers one to five gigabytes, Premium these larger ones. */
const SIZES_IN_MEGABYTES: readonly number[] = [1024, 2048, 3072, 4096, 5120, 10_240, 20_480, 40_960, 81_920];

/** Queues and topics may be named like paths; the other entities may not. */
const pathName = /^[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9_])?$/;
const plainName = /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?$/;
/** `$Default` too, which the service itself gives. */
const ruleName = /^\$?[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?$/;

export type Complain = (message: string) => void;

export function checkQueue(queue: QueueDefinition, complain: Complain, leastWindowMs?: number): void {
  checkName(queue.name, 260, complain, pathName);
  checkQueueSettings(queue, complain);
  checkIntake(queue, complain);
  checkDuplicateWindow(queue, complain, leastWindowMs);
}

export function checkTopic(
  topic: Omit<TopicDefinition, 'subscriptions'>,
  complain: Complain,
  leastWindowMs?: number,
): void {
  checkName(topic.name, 260, complain, pathName);
  if (topic.defaultMessageTimeToLiveMs < SECOND_MS) complain('defaultMessageTimeToLive is below one second');
  checkEntity(topic, complain);
  checkIntake(topic, complain);
  checkDuplicateWindow(topic, complain, leastWindowMs);
}

/** The subscription alone, without its rules. */
export function checkSubscription(subscription: Omit<SubscriptionDefinition, 'rules'>, complain: Complain): void {
  checkName(subscription.name, 50, complain);
  checkQueueSettings(subscription, complain);
}

const MAX_RULE_NAME = 50;
export const isRuleName = (name: string): boolean => name.length <= MAX_RULE_NAME && ruleName.test(name);

export function checkRule(rule: RuleDefinition, complain: Complain): void {
  checkName(rule.name, MAX_RULE_NAME, complain, ruleName);
  const { filter, action } = rule;
  if (filter.kind === 'sql') {
    within('length of the filter', filter.expression.length, [1, 1024], complain);
    checkValues('parameters of the filter', filter.parameters, complain);
  }
  if (filter.kind === 'correlation') {
    const { properties, ...system } = filter.correlation;
    checkValues('properties of the filter', properties, complain);
    checkValues('fields of the filter', system, complain);
  }
  if (action !== undefined) within('length of the action', action.length, [1, 1024], complain);
  checkValues('parameters of the action', rule.actionParameters, complain);
  try {
    compileFilter(filter);
    if (action !== undefined) compileAction(action, rule.actionParameters);
  } catch (error) {
    complain(messageOf(error));
  }
}

function checkValues(
  what: string,
  values: Readonly<Record<string, FilterValue | undefined>> | undefined,
  complain: Complain,
): void {
  const pairs = Object.entries(values ?? {});
  within(`number of ${what}`, pairs.length, [0, MAX_FILTER_VALUES], complain);
  for (const [name, value] of pairs) {
    const longest = Math.max(name.length, typeof value === 'string' ? value.length : 0);
    within(`length of ${name.slice(0, 50)} in the ${what}`, longest, [0, MAX_VALUE_CHARACTERS], complain);
  }
}

function checkEntity(settings: EntitySettings, complain: Complain): void {
  const { autoDeleteOnIdleMs, userMetadata } = settings;
  if (autoDeleteOnIdleMs !== undefined && autoDeleteOnIdleMs < 5 * MINUTE_MS)
    complain('autoDeleteOnIdle is below five minutes');
  within('length of userMetadata', userMetadata?.length ?? 0, [0, MAX_METADATA_CHARACTERS], complain);
}

function checkQueueSettings(settings: QueueSettings, complain: Complain): void {
  within('lockDuration in seconds', settings.lockDurationMs / SECOND_MS, [5, 300], complain);
  within('maxDeliveryCount', settings.maxDeliveryCount, [1, 2000], complain);
  if (settings.defaultMessageTimeToLiveMs < SECOND_MS) complain('defaultMessageTimeToLive is below one second');
  if (settings.forwardTo !== undefined && settings.requiresSession)
    complain('forwardTo is not possible together with requiresSession');
  checkEntity(settings, complain);
}

function checkIntake(settings: IntakeSettings, complain: Complain): void {
  const { maxSizeInMegabytes, authorizationRules = [] } = settings;
  if (maxSizeInMegabytes !== undefined && !SIZES_IN_MEGABYTES.includes(maxSizeInMegabytes))
    complain(`maxSizeInMegabytes is ${maxSizeInMegabytes}, not one of ${SIZES_IN_MEGABYTES.join(', ')}`);
  within('number of authorization rules', authorizationRules.length, [0, MAX_AUTHORIZATION_RULES], complain);
  if (new Set(authorizationRules.map(({ keyName }) => keyName)).size < authorizationRules.length)
    complain('two authorization rules have one key name');
  for (const rule of authorizationRules) checkAuthorizationRule(rule, complain);
}

function checkAuthorizationRule(rule: AuthorizationRule, complain: Complain): void {
  const entity = `authorization rule ${rule.keyName.slice(0, 50)}`;
  checkName(rule.keyName, 256, (message) => complain(`${entity}: ${message}`));
  if (rule.rights.length === 0) complain(`${entity} has no rights`);
  if (rule.rights.includes('Manage') && !(rule.rights.includes('Send') && rule.rights.includes('Listen')))
    complain(`${entity}: Manage includes Send and Listen, so they must be there too`);
  for (const key of [rule.primaryKey, rule.secondaryKey])
    within(`length of a key of ${entity}`, key.length, [1, 256], complain);
}

function checkDuplicateWindow(
  settings: DuplicateDetection,
  complain: Complain,
  leastMs = LEAST_DUPLICATE_WINDOW_MS,
): void {
  const seconds = settings.duplicateDetectionHistoryTimeWindowMs / SECOND_MS;
  within('duplicateDetectionHistoryTimeWindow in seconds', seconds, [leastMs / SECOND_MS, 7 * 86_400], complain);
}

export function checkName(name: string, longest: number, complain: Complain, pattern = plainName): void {
  if (name.length < 1 || name.length > longest) complain(`a name has 1 to ${longest} characters`);
  else if (!pattern.test(name))
    complain('a name has letters, digits, ".", "-" and "_", and begins with a letter or a digit and ends so');
}

export function within(
  what: string,
  value: number,
  [least, most]: readonly [number, number],
  complain: Complain,
): void {
  if (!(value >= least && value <= most)) complain(`${what} is ${value}, not within ${least} to ${most}`);
}
