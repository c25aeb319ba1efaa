/** What every archive name format must mention, each once or more and in any order, as the service demands. */
const PLACEHOLDERS = [
  'Namespace',
  'EventHub',
  'PartitionId',
  'Year',
  'Month',
  'Day',
  'Hour',
  'Minute',
  'Second',
] as const;

type Placeholder = (typeof PLACEHOLDERS)[number];

/** A blob name has 1,024 characters at the most; what the placeholders stand for may be long. */
const MAX_FORMAT_LENGTH = 512;
const PLACEHOLDER = /\{([A-Za-z]{1,16})\}/g;

const isPlaceholder = (name: string): name is Placeholder => (PLACEHOLDERS as readonly string[]).includes(name);

/** What is wrong with a format; undefined when nothing is. */
export function checkNameFormat(format: string): string | undefined {
  if (format.length > MAX_FORMAT_LENGTH) return `has more than ${MAX_FORMAT_LENGTH} characters`;
  const given = [...format.matchAll(PLACEHOLDER)].map(([, name]) => name as string);
  const missing = PLACEHOLDERS.filter((name) => !given.includes(name));
  if (missing.length > 0) return `must mention ${missing.map((name) => `{${name}}`).join(', ')}`;
  const unknown = given.find((name) => !isPlaceholder(name));
  if (unknown !== undefined) return `knows no {${unknown}}`;
  return /[{}]/.test(format.replace(PLACEHOLDER, '')) ? 'has a brace that belongs to no placeholder' : undefined;
}

export interface NameFacts {
  readonly namespace: string;
  readonly hub: string;
  readonly partitionId: string;
  /** Names have whole seconds, in UTC. */
  readonly timeMs: number;
}

/** The name of the blob for one window of one partition. */
export function captureName(format: string, { namespace, hub, partitionId, timeMs }: NameFacts): string {
  const [year, month, day, hour, minute, second] = new Date(timeMs).toISOString().split(/[-T:.]/);
  const values: Record<Placeholder, string | undefined> = {
    Namespace: namespace,
    EventHub: hub,
    PartitionId: partitionId,
    Year: year,
    Month: month,
    Day: day,
    Hour: hour,
    Minute: minute,
    Second: second,
  };
  const name = format.replace(PLACEHOLDER, (whole, key: string) => (isPlaceholder(key) ? (values[key] ?? '') : whole));
  return `${name}.avro`;
}
