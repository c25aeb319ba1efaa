import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Fastify from 'fastify';
import { expect, test } from 'vitest';
import { createMetrics as createBrokerMetrics } from '../../src/broker/status/metrics.js';
import type { BrokerStatus } from '../../src/broker/status/snapshot.js';
import { metrics as addDashboardMetrics } from '../../src/dashboard/metrics.js';
import { createGatewayMetrics } from '../../src/gateway/metrics/index.js';
import { describeConfig } from '../../src/shared/config/index.js';
import { createManualClock } from '../helpers/manual-clock.js';

const filesBelow = (folder: string, ending: string) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(ending))
    .map((file) => join(folder, file));

test('docs/config.md is what the configuration schema says (npm run docs)', () => {
  expect(readFileSync('docs/config.md', 'utf8')).toBe(describeConfig());
});

test('docs/errors.md lists every error code of the source, and no other', () => {
  const codes = (text: string) => text.match(/\bPS_[A-Z0-9_]+\b/g) ?? [];
  const inSource = new Set(filesBelow('src', '.ts').flatMap((file) => codes(readFileSync(file, 'utf8'))));
  const listed = readFileSync('docs/errors.md', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| `PS_'))
    .map((line) => line.split('`')[1]);
  expect(new Set(listed)).toEqual(inSource);
  expect(listed).toHaveLength(new Set(listed).size);
});

test('docs/metrics.md lists every metric that is made, and no other', async () => {
  const gateway = createGatewayMetrics();
  const none = {
    sinks: [],
    pendingBytes: () => 0,
    recall: () => ({ ids: 0, idsSinceMs: undefined }),
    certificate: { validToMs: 0 },
  };
  gateway.watch({ ...none, clock: createManualClock() });
  const broker = createBrokerMetrics();
  const idle = { connections: 0, links: 0, pendingBytes: 0, queues: [], topics: [], hubs: [] };
  const dashboard = Fastify();
  const health = {
    ...{ sequenceNumber: 1, watermark: '2026-01-01', appliedAt: '2026-01-01', savedAt: '2026-01-01' },
    ...{ offersWaiting: 0, offersGivenUp: 0, idsRememberedMs: 1, stopped: null, unsaved: null },
  };
  addDashboardMetrics(dashboard, {
    viewersOf: () => 0,
    readFigures: () => Promise.reject(new Error('away')),
    readHealth: async () => new Map([['0', health]]),
    readTotals: async () => ({ counted: 1, 'late:pages': 1, 'late_by:2h': 1, 'failed:pages': 1 }),
  });
  const texts = [
    (await gateway.text()).body,
    await broker.render(idle as unknown as BrokerStatus),
    (await dashboard.inject('/metrics')).body,
  ];
  const made = texts.flatMap((text) => [...text.matchAll(/^# TYPE (penstock_\w+)/gm)].map(([, name]) => name));
  const cells = readFileSync('docs/metrics.md', 'utf8').match(/^\| `penstock_[^|]*/gm) ?? [];
  const listed = cells.flatMap((cell) => [...cell.matchAll(/`(penstock_\w+)`/g)].map(([, name]) => name));
  expect(listed.sort()).toEqual(made.sort());
  await dashboard.close();
  broker.stop();
});

test('every relative link of the documentation leads to a file', () => {
  const pages = ['README.md', 'CONTRIBUTING.md', ...filesBelow('docs', '.md')];
  for (const page of pages) {
    for (const [, target] of readFileSync(page, 'utf8').matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)) {
      const path = join(page, '..', target as string);
      expect(() => readdirOrRead(path), `${page} links to ${target}`).not.toThrow();
    }
  }
});

function readdirOrRead(path: string): void {
  try {
    readFileSync(path);
  } catch {
    readdirSync(path);
  }
}

test('CONTRIBUTING.md stays under 80 lines', () => {
  expect(readFileSync('CONTRIBUTING.md', 'utf8').split('\n').length).toBeLessThan(80);
});
