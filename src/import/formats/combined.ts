import { isIP } from 'node:net';
import { dropReasonOf, pathOf } from '../classify.js';
import type { Entry, Format, FormatOptions, UndatedEvent } from '../entry.js';
import { createOccurrences, stableId } from '../identity.js';
import { splitLines } from '../lines.js';
import { type CombinedLine, parseCombinedLine } from './combined-line.js';

/** Servers bound a request line to 8 KiB by default; a line holds one and two headers. */
const MAX_LINE_BYTES = 64 * 1024;

/** The access log of Apache and nginx: each page that a person read becomes a `page_view`. */
export const combined: Format = {
  name: 'combined',
  summary: 'access log of Apache or nginx in the combined format',
  unit: 'lines',
  read: readCombined,
};

async function* readCombined(chunks: AsyncIterable<Buffer>, options: FormatOptions): AsyncGenerator<Entry> {
  const occurrenceOf = createOccurrences();
  for await (const { number, bytes } of splitLines(chunks, MAX_LINE_BYTES)) {
    if (!bytes) {
      yield { kind: 'rejected', line: number, reason: 'line_too_long' };
      continue;
    }
    if (bytes.length === 0) {
      yield { kind: 'rejected', line: number, reason: 'empty_line' };
      continue;
    }
    const parsed = parseCombinedLine(bytes.toString('utf8'));
    if (!parsed.ok) {
      yield { kind: 'rejected', line: number, reason: parsed.fault };
      continue;
    }
    const reason = dropReasonOf(parsed.line, options);
    if (reason) {
      yield { kind: 'dropped', line: number, reason };
      continue;
    }
    const content = stableId(bytes);
    const id = stableId(content, String(occurrenceOf(content)));
    yield { kind: 'event', line: number, timeMs: parsed.line.timeMs, event: pageView(id, parsed.line, options.site) };
  }
}

/** A log knows no visitor id: the same address with the same user agent is taken as one visitor. */
function pageView(id: string, line: CombinedLine, site = ''): UndatedEvent {
  return {
    id,
    type: 'page_view',
    anonymousId: stableId(line.host, line.userAgent ?? ''),
    page: {
      url: line.target.startsWith('/') ? site + line.target : line.target,
      path: pathOf(line.target),
      ...(line.referrer !== undefined && { referrer: line.referrer }),
    },
    context: {
      ...(isIP(line.host) !== 0 && { ip: line.host }),
      ...(line.userAgent !== undefined && { userAgent: line.userAgent }),
    },
  };
}
