import type {
  CreateOutcome,
  DeleteOutcome,
  NamespacePort,
  RuntimeFacts,
  SubscriptionSettings,
  UpdateOutcome,
} from '../../../src/broker/admin/index.js';
import { compileAction, compileFilter, FilterError } from '../../../src/broker/filters/index.js';
import type { RuleDefinition } from '../../../src/broker/topology/types.js';

/** Keys and tracking ids that tests know. */
export const random = { newKey: () => Buffer.alloc(32, 7).toString('base64'), newTrackingId: () => 'a-tracking-id' };

interface Named {
  readonly name: string;
}

/** Entities by name without case, listed by name, each with its times. */
function createTable<Definition extends Named>(now: () => number) {
  const rows = new Map<string, { definition: Definition; createdAtMs: number; updatedAtMs: number }>();
  const keyOf = (name: string) => name.toLowerCase();
  return {
    get: (name: string) => rows.get(keyOf(name)),
    all: () => [...rows.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row),
    has: (name: string) => rows.has(keyOf(name)),
    put(definition: Definition) {
      const nowMs = now();
      const createdAtMs = rows.get(keyOf(definition.name))?.createdAtMs ?? nowMs;
      const row = { definition, createdAtMs, updatedAtMs: nowMs };
      rows.set(keyOf(definition.name), row);
      return row;
    },
    remove: (name: string): DeleteOutcome => ({ kind: rows.delete(keyOf(name)) ? 'deleted' : 'not-found' }),
  };
}

const runtimeOf = (row: { createdAtMs: number; updatedAtMs: number }): RuntimeFacts => ({
  createdAtMs: row.createdAtMs,
  updatedAtMs: row.updatedAtMs,
  accessedAtMs: row.createdAtMs,
  sizeBytes: 1234,
  activeMessageCount: 5,
  deadLetterMessageCount: 4,
  scheduledMessageCount: 3,
  transferMessageCount: 2,
  transferDeadLetterMessageCount: 1,
});

function faultOf(rule: RuleDefinition): string | undefined {
  try {
    compileFilter(rule.filter);
    if (rule.action !== undefined) compileAction(rule.action, rule.actionParameters);
    return undefined;
  } catch (error) {
    if (error instanceof FilterError) return error.message;
    throw error;
  }
}

/** A namespace that holds definitions and no messages: the smallest real implementation of the administration port. */
export function createRegistry(now: () => number): NamespacePort {
  type Rules = ReturnType<typeof createTable<RuleDefinition>>;
  type Subscription = SubscriptionSettings & { readonly rules: Rules };
  type Subscriptions = ReturnType<typeof createTable<Subscription>>;
  const queues = createTable<Parameters<NamespacePort['createQueue']>[0]>(now);
  const topics = createTable<Parameters<NamespacePort['createTopic']>[0] & { readonly subs: Subscriptions }>(now);

  type Row<Definition> = { definition: Definition; createdAtMs: number; updatedAtMs: number };
  const queueInfo = (row: Row<Parameters<NamespacePort['createQueue']>[0]>) => ({
    definition: row.definition,
    runtime: runtimeOf(row),
  });
  const ruleInfo = (row: Row<RuleDefinition>) => ({
    definition: row.definition,
    runtime: { createdAtMs: row.createdAtMs },
  });
  const subscriptionInfo = (row: Row<Subscription>) => ({
    definition: { ...row.definition, rules: row.definition.rules.all().map((rule) => rule.definition) },
    runtime: runtimeOf(row),
  });
  const topicInfo = (row: NonNullable<ReturnType<typeof topics.get>>) => {
    const { subs, ...definition } = row.definition;
    const subscriptions = subs.all().map((sub) => subscriptionInfo(sub).definition);
    return {
      definition: { ...definition, subscriptions },
      runtime: { ...runtimeOf(row), subscriptionCount: subscriptions.length },
    };
  };
  const subsOf = (topic: string) => topics.get(topic)?.definition.subs;
  const rulesOf = (topic: string, name: string) => subsOf(topic)?.get(name)?.definition.rules;
  const taken = (name: string) => queues.has(name) || topics.has(name);
  const created = async <Info>(info: Info): Promise<CreateOutcome<Info>> => ({ kind: 'created', info });
  const updated = async <Info>(info: Info): Promise<UpdateOutcome<Info>> => ({ kind: 'updated', info });
  const exists = { kind: 'exists' } as const;
  const notFound = { kind: 'not-found' } as const;

  return {
    createdAtMs: now(),
    queues: () => queues.all().map(queueInfo),
    queue(name) {
      const row = queues.get(name);
      return row && queueInfo(row);
    },
    createQueue: async (definition) => (taken(definition.name) ? exists : created(queueInfo(queues.put(definition)))),
    updateQueue: async (definition) =>
      queues.has(definition.name) ? updated(queueInfo(queues.put(definition))) : notFound,
    deleteQueue: async (name) => queues.remove(name),

    topics: () => topics.all().map(topicInfo),
    topic(name) {
      const row = topics.get(name);
      return row && topicInfo(row);
    },
    createTopic: async (definition) =>
      taken(definition.name)
        ? exists
        : created(topicInfo(topics.put({ ...definition, subs: createTable<Subscription>(now) }))),
    async updateTopic(definition) {
      const subs = subsOf(definition.name);
      return subs ? updated(topicInfo(topics.put({ ...definition, subs }))) : notFound;
    },
    deleteTopic: async (name) => topics.remove(name),

    subscriptions: (topic) => subsOf(topic)?.all().map(subscriptionInfo),
    subscription(topic, name) {
      const row = subsOf(topic)?.get(name);
      return row && subscriptionInfo(row);
    },
    async createSubscription(topic, { rules: given, ...settings }) {
      const subs = subsOf(topic);
      if (!subs) return notFound;
      if (subs.has(settings.name)) return exists;
      const reason = given.map(faultOf).find((fault) => fault !== undefined);
      if (reason !== undefined) return { kind: 'invalid', reason };
      const rules = createTable<RuleDefinition>(now);
      for (const rule of given) rules.put(rule);
      return created(subscriptionInfo(subs.put({ ...settings, rules })));
    },
    async updateSubscription(topic, settings) {
      const rules = rulesOf(topic, settings.name);
      const subs = subsOf(topic);
      return subs && rules ? updated(subscriptionInfo(subs.put({ ...settings, rules }))) : notFound;
    },
    deleteSubscription: async (topic, name) => subsOf(topic)?.remove(name) ?? notFound,

    rules: (topic, name) => rulesOf(topic, name)?.all().map(ruleInfo),
    rule(topic, subscription, name) {
      const row = rulesOf(topic, subscription)?.get(name);
      return row && ruleInfo(row);
    },
    async createRule(topic, subscription, rule) {
      const rules = rulesOf(topic, subscription);
      if (!rules) return notFound;
      if (rules.has(rule.name)) return exists;
      const reason = faultOf(rule);
      return reason === undefined ? created(ruleInfo(rules.put(rule))) : { kind: 'invalid', reason };
    },
    async updateRule(topic, subscription, rule) {
      const rules = rulesOf(topic, subscription);
      if (!rules?.has(rule.name)) return notFound;
      const reason = faultOf(rule);
      return reason === undefined ? updated(ruleInfo(rules.put(rule))) : { kind: 'invalid', reason };
    },
    deleteRule: async (topic, subscription, name) => rulesOf(topic, subscription)?.remove(name) ?? notFound,
  };
}
