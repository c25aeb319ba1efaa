import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { builtWeb } from '../helpers/web-build.js';

const GOOD = `
import type { Penstock, TrackerOptions } from 'penstock/tracker';
const options: TrackerOptions = { key: 'k', consent: 'required', storage: 'cookie', scroll: 25, links: 'outbound' };
penstock.init(options);
window.penstock.track('purchase', { transaction_id: 'T1', value: 9.5, currency: 'EUR', coupon: 'X' });
penstock('purchase', { transaction_id: 'T1', value: 9.5, currency: 'EUR' });
penstock('anything', { at: ['all'] });
penstock('identify', 7);
penstock.page({ path: '/step-2' });
penstock.page();
penstock.consent({ analytics: 'granted', marketing: false });
penstock.reset();
const tracker: Penstock = window.penstock;
tracker.identify(null);
`;

/** Types of a site's own have no index signature, and its modules may be of either kind. */
const OWN = `
import 'penstock/tracker';
interface Item { item_id: string; price: number }
interface Order { transaction_id: string; value: number; currency: string }
interface Choices { analytics: boolean; marketing: 'granted' | 'denied' }
export function tell(item: Item, order: Order, choices: Choices) {
  penstock.track('view_item', item);
  penstock('view_item', item);
  penstock.track('purchase', order);
  penstock.consent(choices);
}
`;

const BAD = `import 'penstock/tracker';
penstock.track('purchase', { value: 9.5, currency: 'EUR' });
penstock('purchase');
penstock.consent({ analytics: 'yes' });
penstock.init({ host: 'https://collector.example' });
penstock.init({ key: 'k', storage: 'session' });
penstock.page({ url: 7 });
penstock('consent', { analytics: 1 });
`;

const OPTIONS = {
  strict: true,
  noEmit: true,
  exactOptionalPropertyTypes: true,
  target: 'ES2022',
  module: 'Node16',
  lib: ['ES2022', 'DOM'],
  types: [],
  skipDefaultLibCheck: true,
};

describe('the types of the tracker', () => {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-types-'));
  let complaints: string[] = [];
  afterAll(() => rmSync(folder, { recursive: true }));

  /** A user's folder in which Penstock is installed as it is built, and what the compiler says there. */
  beforeAll(() => {
    const home = join(folder, 'node_modules/penstock');
    mkdirSync(join(home, 'dist/tracker'), { recursive: true });
    copyFileSync('package.json', join(home, 'package.json'));
    for (const name of ['index.d.ts', 'index.d.cts'])
      copyFileSync(join(dirname(builtWeb().trackerScript), name), join(home, 'dist/tracker', name));
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: OPTIONS }));
    writeFileSync(join(folder, 'good.ts'), GOOD);
    for (const name of ['own.ts', 'own.cts']) writeFileSync(join(folder, name), OWN);
    writeFileSync(join(folder, 'bad.ts'), BAD);
    const tsc = join(process.cwd(), 'node_modules/typescript/bin/tsc');
    const { stdout } = spawnSync(process.execPath, [tsc, '--pretty', 'false'], { cwd: folder, encoding: 'utf8' });
    complaints = stdout.split('\n').filter((line) => line !== '' && !line.startsWith(' '));
  });

  it('know what a page can say', () => {
    expect(complaints.filter((line) => !line.startsWith('bad.ts'))).toEqual([]);
  });

  it('find what would be refused or ignored', () => {
    const lines = complaints.map((line) => Number(/^bad\.ts\((\d+),/.exec(line)?.[1]));
    expect(lines).toEqual([2, 3, 4, 5, 6, 7, 8]);
  });
});
