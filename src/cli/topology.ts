import type { Command } from 'commander';
import {
  type CaptureDefinition,
  describeDuration,
  type HubDefinition,
  loadParameters,
  loadTopology,
  type RuleDefinition,
  type SubscriptionDefinition,
  shippedTemplate,
  type TopicDefinition,
  type Topology,
  TopologyError,
} from '../broker/index.js';
import { counted } from '../shared/counted.js';
import { printText } from './print-text.js';

interface Flags {
  readonly parameters?: string;
  readonly json?: true;
}

/** `penstock topology check|print`: what the ARM template deploys and the embedded broker loads. */
export function register(command: Command): void {
  const withFile = (name: string, summary: string) =>
    command
      .command(name)
      .description(summary)
      .argument('[file]', 'ARM template', shippedTemplate)
      .option('--parameters <file>', 'deployment parameters file whose values replace the defaults');
  withFile('check', 'evaluate and validate it; exit 1 when the services would refuse it').action(check);
  withFile('print', 'show topics, subscriptions with their rules, hubs and consumer groups')
    .option('--json', 'as JSON')
    .action(print);
}

function load(file: string, flags: Flags): Topology {
  return loadTopology(file, flags.parameters === undefined ? {} : loadParameters(flags.parameters));
}

function check(file: string, flags: Flags): void {
  let topology: Topology;
  try {
    topology = load(file, flags);
  } catch (error) {
    if (!(error instanceof TopologyError)) throw error;
    const problems = error.facts['problems'];
    const lines = Array.isArray(problems) ? problems.map((problem) => `${file}: ${problem}`) : [error.message];
    process.stderr.write(lines.map((line) => `${error.code} ${line}\n`).join(''));
    process.exitCode = 1;
    return;
  }
  const { queues, topics, hubs } = topology;
  const subscriptions = topics.flatMap((topic) => topic.subscriptions);
  const counts = [
    counted(queues.length, 'queue'),
    counted(topics.length, 'topic'),
    counted(subscriptions.length, 'subscription'),
    counted(
      subscriptions.reduce((sum, { rules }) => sum + rules.length, 0),
      'rule',
    ),
    counted(hubs.length, 'hub'),
    counted(
      hubs.reduce((sum, hub) => sum + hub.partitionCount, 0),
      'partition',
    ),
    counted(
      hubs.reduce((sum, hub) => sum + hub.consumerGroups.length, 0),
      'consumer group',
    ),
  ];
  printText(`OK: ${counts.filter((count) => !count.startsWith('0 ')).join(', ')}\n`);
}

function print(file: string, flags: Flags): void {
  const topology = load(file, flags);
  // JSON has no Infinity: a duration without end is null.
  printText(flags.json ? `${JSON.stringify(topology, null, 2)}\n` : `${describe(topology).join('\n')}\n`);
}

function describe(topology: Topology): string[] {
  return [
    ...topology.queues.map(
      (queue) => `queue ${queue.name}  lock ${describeDuration(queue.lockDurationMs)}, ${deliveries(queue)}`,
    ),
    ...topology.topics.flatMap(describeTopic),
    ...topology.hubs.flatMap(describeHub),
  ];
}

function describeTopic(topic: TopicDefinition): string[] {
  const window = describeDuration(topic.duplicateDetectionHistoryTimeWindowMs);
  const head = `topic ${topic.name}${topic.requiresDuplicateDetection ? `  duplicates detected over ${window}` : ''}`;
  return [head, ...branches(topic.subscriptions.map(describeSubscription))];
}

function describeSubscription(subscription: SubscriptionDefinition): string[] {
  const lock = describeDuration(subscription.lockDurationMs);
  const head = `subscription ${subscription.name}  lock ${lock}, ${deliveries(subscription)}`;
  return [head, ...branches(subscription.rules.map((rule) => [`rule ${rule.name}  ${describeRule(rule)}`]))];
}

function deliveries(settings: { readonly maxDeliveryCount: number; readonly defaultMessageTimeToLiveMs: number }) {
  const life = describeDuration(settings.defaultMessageTimeToLiveMs);
  return `${settings.maxDeliveryCount} deliveries, expires ${life === 'never' ? life : `after ${life}`}`;
}

function describeRule({ filter, action }: RuleDefinition): string {
  const does = action === undefined ? '' : `  then ${action}`;
  switch (filter.kind) {
    case 'true':
      return `everything${does}`;
    case 'false':
      return `nothing${does}`;
    case 'sql':
      return `${filter.expression}${does}`;
    case 'correlation': {
      const { properties = {}, ...system } = filter.correlation;
      const pairs = [
        ...Object.entries(system).map(([key, value]) => [`sys.${key}`, value]),
        ...Object.entries(properties),
      ];
      return `${pairs.map(([key, value]) => `${key} = '${String(value)}'`).join(' AND ')} (correlation)${does}`;
    }
  }
}

function describeHub(hub: HubDefinition): string[] {
  const head = `hub ${hub.name}  ${counted(hub.partitionCount, 'partition')}, keeps ${describeDuration(hub.retentionMs)}`;
  const groups = ['$Default', ...hub.consumerGroups].map((group) => [`consumer group ${group}`]);
  return [head, ...branches(hub.capture ? [...groups, [describeCapture(hub.capture)]] : groups)];
}

function describeCapture({ container, encoding, intervalMs, sizeLimitBytes }: CaptureDefinition): string {
  const full = `${Math.round(sizeLimitBytes / 1024 / 1024)} MiB`;
  return `captured to container ${container}  ${encoding}, every ${describeDuration(intervalMs)} or ${full}`;
}

/** Draws each block of lines as a branch of a tree. */
function branches(blocks: readonly (readonly string[])[]): string[] {
  return blocks.flatMap((block, i) => {
    const last = i === blocks.length - 1;
    return block.map((line, n) => (n === 0 ? `${last ? '└─' : '├─'} ${line}` : `${last ? '   ' : '│  '}${line}`));
  });
}
