import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { findMetrics } from '../../../src/aggregators/metrics/find.js';
import { allMetrics } from '../../../src/aggregators/metrics/index.js';

const metricsIn = async (files: Readonly<Record<string, string>>) => {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-metrics-'));
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    return await findMetrics(pathToFileURL(`${folder}/`));
  } finally {
    rmSync(folder, { recursive: true });
  }
};
const file = (name: string) => `export const made = { kind: 'panes', description: { name: '${name}' } };`;

it('a metric is a file in the folder, and nothing else', async () => {
  const found = await metricsIn({
    'weather.js': file('weather'),
    'helpers.js': 'export const help = () => 1; export const text = "panes"; export const nothing = null;',
    'index.js': file('of the index'),
    'weather.js.map': '{}',
    'weather.d.ts': 'no code',
  });
  expect(found).toEqual([{ kind: 'panes', description: { name: 'weather' } }]);
});

it('two of one name are refused, since their figures would be one', async () => {
  await expect(metricsIn({ 'a.js': file('weather'), 'b.js': file('weather') })).rejects.toThrow('weather');
});

it('two that Prometheus could not tell apart are refused, and both are named', async () => {
  const spelled = metricsIn({ 'a.js': file('cartValue'), 'b.js': file('cart_value') });
  await expect(spelled).rejects.toThrow('metric "cart_value": name: is cart_value in Prometheus, as is "cartValue"');
  await expect(metricsIn({ 'a.js': file('sessionsOpen') })).rejects.toThrow('sessions that are open');
});

it('every definition of the source is kept', () => {
  const folder = 'src/aggregators/metrics';
  const defined = readdirSync(folder).flatMap((name) =>
    [...readFileSync(join(folder, name), 'utf8').matchAll(/^export const \w+ = define\w*Metric(?:<\w+>)?\(/gm)].map(
      () => name,
    ),
  );
  expect(allMetrics.metrics.length + allMetrics.listMetrics.length).toBe(defined.length);
  expect(defined.length).toBeGreaterThan(10);
});
