/** One measured figure. */
export interface Figure {
  readonly row: string;
  readonly value: number;
  readonly unit: string;
  readonly p50Ms?: number;
  readonly p99Ms?: number;
  /** CPU time of each part for one request or event, in microseconds: less shaken by a busy machine than a rate. */
  readonly cpuMicros?: Readonly<Record<string, number>>;
  /** Share of the machine, 0 to 1, that programs beside the bench took meanwhile: beyond a tenth, measure again. */
  readonly foreignShare?: number;
  /** Against a baseline of the same run. */
  readonly ratios?: Readonly<Record<string, number>>;
  readonly aim?: { readonly text: string; readonly met: boolean };
}

/** A benchmark: adds its figures as they are known. */
export type Bench = (context: BenchContext) => Promise<void>;

export interface BenchContext {
  readonly seconds: number;
  /** Also what takes minutes. */
  readonly long: boolean;
  /** Folder for V8 CPU profiles of the roles, if they are wanted. */
  readonly profileDir: string | undefined;
  /** Worker processes of the gateway. */
  readonly workers: number;
  report(figure: Figure): void;
  note(text: string): void;
}

const number = (value: number) =>
  value >= 100
    ? Math.round(value).toLocaleString('en-GB')
    : value.toLocaleString('en-GB', { maximumFractionDigits: 2 });

const columns: readonly (readonly [string, (figure: Figure) => string])[] = [
  ['measured', (figure) => figure.row],
  ['figure', (figure) => `${number(figure.value)} ${figure.unit}`],
  ['p50 ms', (figure) => (figure.p50Ms === undefined ? '' : number(figure.p50Ms))],
  ['p99 ms', (figure) => (figure.p99Ms === undefined ? '' : number(figure.p99Ms))],
  [
    'CPU µs each',
    ({ cpuMicros = {} }) =>
      Object.entries(cpuMicros)
        .map(([part, micros]) => `${part} ${number(micros)}`)
        .join(', '),
  ],
  ['others', ({ foreignShare: share }) => (share === undefined ? '' : `${Math.round(share * 100)} %`)],
  [
    'against',
    ({ ratios = {} }) =>
      Object.entries(ratios)
        .map(([baseline, ratio]) => `${ratio.toFixed(2)} × ${baseline}`)
        .join(', '),
  ],
  ['aim', ({ aim }) => (aim === undefined ? '' : `${aim.text}: ${aim.met ? 'met' : 'not met'}`)],
];

/** A Markdown table whose columns line up. */
export function table(figures: readonly Figure[]): string {
  const rows = [columns.map(([title]) => title), ...figures.map((figure) => columns.map(([, cell]) => cell(figure)))];
  const widths = columns.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const line = (cells: readonly string[], fill = ' ') =>
    `|${cells.map((cell, i) => ` ${cell.padEnd(widths[i] ?? 0, fill)} `).join('|')}|`;
  const [head = [], ...body] = rows;
  return [
    line(head),
    line(
      head.map(() => ''),
      '-',
    )
      .replaceAll('| ', '|-')
      .replaceAll(' |', '-|'),
    ...body.map((row) => line(row)),
  ].join('\n');
}
