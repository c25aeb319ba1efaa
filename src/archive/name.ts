import { ArchiveError } from './errors.js';

/** What a file of Capture is called by, and what its name tells. */
export interface CaptureNames {
  /** All names begin with it. */
  readonly prefix: string;
  /** Undefined for a name of another hub, or of no file of Capture. */
  read(name: string): CaptureName | undefined;
}

export interface CaptureName {
  readonly name: string;
  readonly partitionId: string;
  /** When its window was opened, to the second. */
  readonly openedAtMs: number;
}

/** How the hub's files are named. */
export interface CaptureNaming {
  readonly nameFormat: string;
  /** What `{Namespace}` and `{EventHub}` stand for. */
  readonly namespace: string;
  readonly hub: string;
}

const NEEDED = ['PartitionId', 'Year', 'Month', 'Day', 'Hour', 'Minute', 'Second'] as const;
const MAX_FORMAT_LENGTH = 1024;

/** @throws ArchiveError PS_ARCHIVE_FORMAT when names do not tell which partition and time they are of */
export function captureNames({ nameFormat, namespace, hub }: CaptureNaming): CaptureNames {
  const complain = (what: string) => new ArchiveError('PS_ARCHIVE_FORMAT', `the format of the names ${what}`);
  if (nameFormat.length > MAX_FORMAT_LENGTH) throw complain(`has more than ${MAX_FORMAT_LENGTH} characters`);
  const named = nameFormat.replaceAll('{Namespace}', () => namespace).replaceAll('{EventHub}', () => hub);
  const parts = named.split(/\{([A-Za-z]+)\}/);
  const placeholders = parts.filter((_, index) => index % 2 === 1);
  const missing = NEEDED.filter((name) => !placeholders.includes(name));
  if (missing.length > 0) throw complain(`does not mention ${missing.map((name) => `{${name}}`).join(', ')}`);
  const unknown = placeholders.find((name) => !NEEDED.some((needed) => needed === name));
  if (unknown !== undefined) throw complain(`knows no {${unknown}}`);
  // Each placeholder stands for digits alone, so no text can be matched in two ways but by the length of the partition.
  const pattern = new RegExp(
    `^${parts.map((part, index) => (index % 2 === 0 ? literal(part) : digits(part))).join('')}$`,
  );
  return {
    prefix: parts[0] as string,
    read(name) {
      const found = pattern.exec(name.replace(/\.avro$/, ''));
      if (found === null || !name.endsWith('.avro')) return undefined;
      const value = (placeholder: string) => found[placeholders.indexOf(placeholder) + 1] as string;
      const [year, month, day, hour, minute, second] = NEEDED.slice(1).map((time) => Number(value(time)));
      const openedAtMs = Date.UTC(year as number, (month as number) - 1, day, hour, minute, second);
      return { name, partitionId: value('PartitionId'), openedAtMs };
    },
  };
}

const literal = (text: string) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');

/** Times are padded with zeros; a hub has no more than some thousand partitions. */
const digits = (placeholder: string) => {
  if (placeholder === 'PartitionId') return '(\\d{1,5})';
  return placeholder === 'Year' ? '(\\d{4})' : '(\\d{2})';
};
