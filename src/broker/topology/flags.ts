import { parseDuration } from './duration.js';
import { DEFAULT_SIZE_IN_MEGABYTES } from './entity-limits.js';
import { TopologyError } from './errors.js';
import { checkTopology } from './limits.js';
import type {
  DuplicateDetection,
  HubDefinition,
  QueueDefinition,
  QueueSettings,
  SubscriptionDefinition,
  TopicDefinition,
  Topology,
} from './types.js';

/** Entities as they are written on a command line: `name`, then `,option` or `,option=value`. */
export interface EntityFlags {
  readonly queue?: readonly string[];
  readonly topic?: readonly string[];
  readonly subscription?: readonly string[];
  readonly hub?: readonly string[];
}

const SECOND_MS = 1000;
const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

const FILTER = ',filter=';

/** What one flag says. Every option is read once; `end` refuses those that nobody asked for. */
interface Spec {
  readonly name: string;
  has(option: string): boolean;
  text(option: string): string | undefined;
  durationMs(option: string, fallbackMs: number): number;
  integer(option: string, fallback: number): number;
  end(): void;
  fault(message: string): TopologyError;
}

function parseSpec(flag: string, text: string): Spec {
  const fault = (message: string) =>
    new TopologyError('PS_TOPOLOGY_INVALID', `--${flag} ${text}: ${message}`, { facts: { flag } });
  // A filter may hold commas: it is the last option and takes all that follows.
  const at = text.indexOf(FILTER);
  const [head, filter] = at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + FILTER.length)];
  const [name = '', ...written] = head.split(',').map((part) => part.trim());
  const options = new Map<string, string | undefined>();
  const add = (option: string, value: string | undefined) => {
    if (options.has(option)) throw fault(`${option} is there twice`);
    options.set(option, value);
  };
  for (const one of written) {
    const equals = one.indexOf('=');
    if (equals < 0) add(one, undefined);
    else add(one.slice(0, equals), one.slice(equals + 1));
  }
  if (filter !== undefined) add('filter', filter);
  const take = (option: string) => {
    const value = options.get(option);
    options.delete(option);
    return value;
  };
  const valued = (option: string): string | undefined => {
    if (!options.has(option)) return undefined;
    const value = take(option);
    if (value === undefined || value === '') throw fault(`${option} needs a value: ${option}=…`);
    return value;
  };
  return {
    name,
    fault,
    text: valued,
    has(option) {
      if (!options.has(option)) return false;
      if (take(option) !== undefined) throw fault(`${option} takes no value`);
      return true;
    },
    durationMs(option, fallbackMs) {
      const value = valued(option);
      if (value === undefined) return fallbackMs;
      const short = /^(\d{1,9})([smhd])$/.exec(value);
      const ms = short ? Number(short[1]) * (UNITS[short[2] as string] as number) : parseDuration(value);
      if (ms === undefined) throw fault(`${option} is a time such as 30s, 10m, 12h, 7d or PT1M, not ${value}`);
      return ms;
    },
    integer(option, fallback) {
      const value = valued(option);
      if (value === undefined) return fallback;
      if (!/^\d{1,9}$/.test(value)) throw fault(`${option} is a whole number, not ${value}`);
      return Number(value);
    },
    end() {
      const [unknown] = options.keys();
      if (unknown !== undefined) throw fault(`there is no option ${unknown || '(empty)'}`);
      if (name === '') throw fault('the name is missing');
    },
  };
}

function queueSettings(spec: Spec): QueueSettings {
  const forwardTo = spec.text('forward-to');
  const forwardDeadLetteredMessagesTo = spec.text('forward-dead-letters-to');
  return {
    lockDurationMs: spec.durationMs('lock', 60 * SECOND_MS),
    maxDeliveryCount: spec.integer('deliveries', 10),
    defaultMessageTimeToLiveMs: spec.durationMs('ttl', Number.POSITIVE_INFINITY),
    deadLetteringOnMessageExpiration: spec.has('dead-letter-expired'),
    requiresSession: spec.has('sessions'),
    ...(forwardTo === undefined ? {} : { forwardTo }),
    ...(forwardDeadLetteredMessagesTo === undefined ? {} : { forwardDeadLetteredMessagesTo }),
  };
}

function duplicateDetection(spec: Spec): DuplicateDetection {
  const windowMs = spec.durationMs('dedup', 0);
  return windowMs > 0
    ? { requiresDuplicateDetection: true, duplicateDetectionHistoryTimeWindowMs: windowMs }
    : { requiresDuplicateDetection: false, duplicateDetectionHistoryTimeWindowMs: 600 * SECOND_MS };
}

/** In megabytes. */
function size(spec: Spec): Pick<QueueDefinition, 'maxSizeInMegabytes'> {
  const maxSizeInMegabytes = spec.integer('size', DEFAULT_SIZE_IN_MEGABYTES);
  return maxSizeInMegabytes === DEFAULT_SIZE_IN_MEGABYTES ? {} : { maxSizeInMegabytes };
}

function finished<T>(spec: Spec, definition: T): T {
  spec.end();
  return definition;
}

function readQueue(text: string): QueueDefinition {
  const spec = parseSpec('queue', text);
  return finished(spec, { name: spec.name, ...queueSettings(spec), ...size(spec), ...duplicateDetection(spec) });
}

function readTopic(text: string): TopicDefinition {
  const spec = parseSpec('topic', text);
  return finished(spec, {
    name: spec.name,
    ...size(spec),
    ...duplicateDetection(spec),
    defaultMessageTimeToLiveMs: spec.durationMs('ttl', Number.POSITIVE_INFINITY),
    subscriptions: [],
  });
}

function readSubscription(text: string): { topic: string; definition: SubscriptionDefinition; spec: Spec } {
  const spec = parseSpec('subscription', text);
  const slash = spec.name.lastIndexOf('/');
  if (slash <= 0) throw spec.fault('a subscription is named TOPIC/NAME');
  const expression = spec.text('filter');
  const definition = finished(spec, {
    name: spec.name.slice(slash + 1),
    ...queueSettings(spec),
    deadLetteringOnFilterEvaluationExceptions: true,
    rules: [
      {
        name: '$Default',
        filter: expression === undefined ? ({ kind: 'true' } as const) : ({ kind: 'sql', expression } as const),
      },
    ],
  });
  return { topic: spec.name.slice(0, slash), definition, spec };
}

/** Of a hub that says nothing of them, as of the one in the template that ships with Penstock. */
const DEFAULT_PARTITIONS = '4';

function readHub(text: string): HubDefinition {
  const spec = parseSpec('hub', text);
  const [, name = spec.name, partitions = DEFAULT_PARTITIONS] = /^(.*):([^:]*)$/.exec(spec.name) ?? [];
  if (!/^\d{1,4}$/.test(partitions)) throw spec.fault('a hub is NAME or NAME:PARTITIONS');
  return finished(spec, {
    name,
    partitionCount: Number(partitions),
    retentionMs: spec.durationMs('retention', 7 * (UNITS['d'] as number)),
    consumerGroups: (spec.text('groups') ?? '').split('+').filter((group) => group !== ''),
  });
}

export const namesEntities = (flags: EntityFlags): boolean =>
  [flags.queue, flags.topic, flags.subscription, flags.hub].some((list) => (list ?? []).length > 0);

/**
 * A topology and the entities of the flags beside it. A subscription may be of a topic of either.
 * @throws TopologyError PS_TOPOLOGY_INVALID naming the flag, or the entity that breaks a limit
 */
export function withEntityFlags(base: Topology, flags: EntityFlags): Topology {
  const topics = [...base.topics, ...(flags.topic ?? []).map(readTopic)];
  for (const text of flags.subscription ?? []) {
    const { topic: name, definition, spec } = readSubscription(text);
    const at = topics.findIndex((topic) => topic.name.toLowerCase() === name.toLowerCase());
    const topic = topics[at];
    if (topic === undefined) throw spec.fault(`there is no topic ${name}: name it with --topic ${name}`);
    topics[at] = { ...topic, subscriptions: [...topic.subscriptions, definition] };
  }
  const topology: Topology = {
    ...base,
    queues: [...base.queues, ...(flags.queue ?? []).map(readQueue)],
    topics,
    hubs: [...base.hubs, ...(flags.hub ?? []).map(readHub)],
  };
  const problems = checkTopology(topology);
  if (problems.length === 0) return topology;
  throw new TopologyError('PS_TOPOLOGY_INVALID', problems.join('; '), { facts: { problems } });
}
