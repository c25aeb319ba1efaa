import type { CreateOutcome, DeleteOutcome, NamespacePort, RuleInfo, UpdateOutcome } from '../../admin/index.js';
import type { RuleDefinition } from '../../topology/index.js';
import type { SubscriptionEntity } from '../entities.js';
import { ruleInfo } from './info.js';
import { type AdministrationParts, EXISTS, NOT_FOUND } from './parts.js';

type Rules = Pick<NamespacePort, 'rules' | 'rule' | 'createRule' | 'updateRule' | 'deleteRule'>;

const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();

/** The rules of the subscriptions of a namespace as the administration API sees them. */
export function administerRules({ namespace, admission, inTurn }: AdministrationParts): Rules {
  async function setRules(
    entity: SubscriptionEntity,
    rules: readonly RuleDefinition[],
    changed: string,
  ): Promise<void> {
    const { record } = entity;
    const times = { ...record.ruleCreatedAtMs };
    times[changed.toLowerCase()] ??= namespace.nowMs();
    if (!rules.some(({ name }) => same(name, changed))) delete times[changed.toLowerCase()];
    await namespace.update({ ...record, definition: { ...record.definition, rules }, ruleCreatedAtMs: times });
  }

  async function createRule(
    topicName: string,
    subscription: string,
    rule: RuleDefinition,
  ): Promise<CreateOutcome<RuleInfo>> {
    const entity = namespace.findSubscription(topicName, subscription);
    if (entity === undefined) return NOT_FOUND;
    const { rules } = entity.record.definition;
    if (rules.some(({ name }) => same(name, rule.name))) return EXISTS;
    const refusal = admission.newRule(entity) ?? admission.rules([rule]);
    if (refusal !== undefined) return refusal;
    await setRules(entity, [...rules, rule], rule.name);
    return { kind: 'created', info: ruleInfo(entity, rule) };
  }

  async function updateRule(
    topicName: string,
    subscription: string,
    rule: RuleDefinition,
  ): Promise<UpdateOutcome<RuleInfo>> {
    const entity = namespace.findSubscription(topicName, subscription);
    const rules = entity?.record.definition.rules ?? [];
    if (entity === undefined || !rules.some(({ name }) => same(name, rule.name))) return NOT_FOUND;
    const refusal = admission.rules([rule]);
    if (refusal !== undefined) return refusal;
    await setRules(
      entity,
      rules.map((one) => (same(one.name, rule.name) ? rule : one)),
      rule.name,
    );
    return { kind: 'updated', info: ruleInfo(entity, rule) };
  }

  async function deleteRule(topicName: string, subscription: string, name: string): Promise<DeleteOutcome> {
    const entity = namespace.findSubscription(topicName, subscription);
    const rules = entity?.record.definition.rules ?? [];
    if (entity === undefined || !rules.some((one) => same(one.name, name))) return NOT_FOUND;
    await setRules(
      entity,
      rules.filter((one) => !same(one.name, name)),
      name,
    );
    return { kind: 'deleted' };
  }

  return {
    rules(topicName, subscription) {
      const entity = namespace.findSubscription(topicName, subscription);
      return entity?.record.definition.rules.map((rule) => ruleInfo(entity, rule));
    },
    rule(topicName, subscription, name) {
      const entity = namespace.findSubscription(topicName, subscription);
      const rule = entity?.record.definition.rules.find((one) => same(one.name, name));
      return entity && rule && ruleInfo(entity, rule);
    },
    createRule: (topicName, subscription, rule) => inTurn(() => createRule(topicName, subscription, rule)),
    updateRule: (topicName, subscription, rule) => inTurn(() => updateRule(topicName, subscription, rule)),
    deleteRule: (topicName, subscription, name) => inTurn(() => deleteRule(topicName, subscription, name)),
  };
}
