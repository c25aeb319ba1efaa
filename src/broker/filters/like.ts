import { FilterError } from './errors.js';

/** One run of the pattern between two `%`. */
interface Segment {
  /** A character, or null where any one character (`_`) fits. */
  readonly units: readonly (string | null)[];
  /** The segment as plain text, when there is no `_` in it. */
  readonly plain: string | undefined;
}

const toSegment = (units: readonly (string | null)[]): Segment => ({
  units,
  plain: units.includes(null) ? undefined : units.join(''),
});

function parsePattern(pattern: string, escapeUnit: string | undefined): Segment[] {
  const segments: Segment[] = [];
  let units: (string | null)[] = [];
  for (let index = 0; index < pattern.length; index++) {
    const unit = pattern[index] as string;
    if (unit === escapeUnit) {
      index += 1;
      const escaped = pattern[index];
      if (escaped === undefined) throw new FilterError('PS_FILTER_EVALUATION', 'the pattern ends in its escape');
      units.push(escaped);
    } else if (unit === '%') {
      segments.push(toSegment(units));
      units = [];
    } else units.push(unit === '_' ? null : unit);
  }
  segments.push(toSegment(units));
  return segments;
}

function fitsAt(segment: Segment, text: string, at: number): boolean {
  if (segment.plain !== undefined) return text.startsWith(segment.plain, at);
  return segment.units.every((unit, offset) => unit === null || unit === text[at + offset]);
}

function find(segment: Segment, text: string, from: number, end: number): number {
  if (segment.plain !== undefined) {
    const at = text.indexOf(segment.plain, from);
    return at >= 0 && at + segment.plain.length <= end ? at : -1;
  }
  for (let at = from; at + segment.units.length <= end; at++) if (fitsAt(segment, text, at)) return at;
  return -1;
}

/**
 * Compiles a LIKE pattern: `%` is any run of characters, `_` any one, in their case. Taking the leftmost fit of each
 * segment is enough, so that there is no backtracking: the cost is at the most (text × pattern).
 * @throws FilterError PS_FILTER_EVALUATION when `escapeUnit` is not one character, or ends the pattern
 */
export function compileLike(pattern: string, escapeUnit?: string): (text: string) => boolean {
  if (escapeUnit !== undefined && escapeUnit.length !== 1) {
    throw new FilterError('PS_FILTER_EVALUATION', 'ESCAPE takes one character');
  }
  const segments = parsePattern(pattern, escapeUnit);
  const first = segments[0] as Segment;
  const last = segments.at(-1) as Segment;
  const middle = segments.slice(1, -1);
  if (segments.length === 1) return (text) => text.length === first.units.length && fitsAt(first, text, 0);
  return function like(text) {
    const end = text.length - last.units.length;
    let at = first.units.length;
    if (at > end || !fitsAt(first, text, 0) || !fitsAt(last, text, end)) return false;
    for (const segment of middle) {
      const found = find(segment, text, at, end);
      if (found < 0) return false;
      at = found + segment.units.length;
    }
    return true;
  };
}
