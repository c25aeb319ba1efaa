import type { ImportReport } from './run.js';
import { sumOf, type Tally } from './tally.js';

const MAX_SHOWN_REJECTIONS = 10;

/** The account of an import for people: what became of every line, adding up to the number of lines. */
export function renderReport(report: ImportReport): string {
  const rows: [label: string, count: number][] = [
    ['accepted', report.accepted],
    ['duplicate', report.duplicate],
    ['dropped', sumOf(report.dropped)],
    ...indented(report.dropped),
    ['rejected', sumOf(report.rejected)],
    ...indented(report.rejected),
  ];
  if (report.unsent > 0) rows.push(['unsent', report.unsent]);
  rows.push([report.unit, report.lines]);
  const labelWidth = Math.max(...rows.map(([label]) => label.length));
  const countWidth = Math.max(...rows.map(([, count]) => grouped(count).length));
  const lines = rows.map(([label, count]) => `${label.padEnd(labelWidth)}  ${grouped(count).padStart(countWidth)}`);
  lines.splice(-1, 0, '-'.repeat(labelWidth + 2 + countWidth));
  return [...lines, '', ...remarks(report), ''].join('\n');
}

const indented = (counts: Tally['dropped']) =>
  Object.entries(counts).map(([reason, count]): [string, number] => [`  ${reason}`, count]);

function remarks(report: ImportReport): string[] {
  const events = report.accepted + report.duplicate;
  const seconds = report.durationMs / 1000;
  const rate = seconds > 0 ? `, ${grouped(Math.round(events / seconds))} events/s` : '';
  const repeats = report.repeatedRequests > 0 ? `, ${report.repeatedRequests} sent again` : '';
  const lines = [`${seconds.toFixed(1)} s${rate}, ${report.requests} requests${repeats}`];
  if (report.shiftMs !== 0) lines.push(`times shifted by ${report.shiftMs} ms`);
  const shown = report.rejections.slice(0, MAX_SHOWN_REJECTIONS);
  for (const { line, reason, field } of shown) lines.push(`line ${line}: ${reason}${field ? ` ${field}` : ''}`);
  const more = sumOf(report.rejected) - shown.length;
  if (more > 0) lines.push(`and ${grouped(more)} more rejected`);
  if (report.end === 'interrupted') lines.push(`stopped after ${grouped(report.lines)} ${report.unit}`);
  if (report.failure) lines.push(`ended after ${grouped(report.lines)} ${report.unit}: ${report.failure.message}`);
  return lines;
}

export function grouped(count: number): string {
  return count.toLocaleString('en-US');
}
