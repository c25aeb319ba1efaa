import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { register } from '../../src/cli/simulate.js';
import type { GroundTruth, ShopOptions } from '../../src/simulator/index.js';
import { acceptAll, startTestGateway } from '../import/gateway.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'penstock-cli-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function penstockSimulate(...args: string[]): Promise<string> {
  let out = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += text;
    return true;
  });
  const command = new Command('simulate').exitOverride().configureOutput({ writeErr: () => {} });
  register(command);
  try {
    await command.parseAsync(args, { from: 'user' });
    return out;
  } finally {
    vi.restoreAllMocks();
  }
}

interface Printed {
  readonly options: ShopOptions;
  readonly tally: { readonly lines: number; readonly accepted: number; readonly duplicate: number };
  readonly truth: GroundTruth;
}

describe('penstock simulate', () => {
  it('says that it cannot write the truth before it sends anything, and has no empty batches', async () => {
    await using gateway = await startTestGateway(acceptAll());
    const address = ['--url', gateway.url, '--write-key', 'key'];
    const nowhere = join(folder, 'none', 'truth.json');
    await expect(penstockSimulate(...address, '--truth', nowhere)).rejects.toMatchObject({
      code: 'PS_OUTPUT_UNWRITABLE',
    });
    await expect(penstockSimulate(...address, '--batch', '0')).rejects.toThrow('above 0');
    expect(gateway.requests).toEqual([]);
  });

  it('sends what its ground truth says, in the order of sending, and writes the truth', async () => {
    await using gateway = await startTestGateway(acceptAll());
    const file = join(folder, 'truth.json');
    const address = ['--url', gateway.url, '--write-key', 'key'];
    const shop = ['--visitors', '50', '--seed', '9', '--speed', 'max', '--duplicates', '0.1'];
    const { tally, truth } = JSON.parse(
      await penstockSimulate(...address, ...shop, '--json', '--truth', file),
    ) as Printed;
    const sent = gateway.requests.flatMap(({ events }) => events);
    expect(sent).toHaveLength(truth.deliveries);
    expect(tally).toMatchObject({ lines: truth.deliveries, accepted: truth.events, duplicate: truth.duplicates });
    expect(truth.duplicates).toBeGreaterThan(0);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(truth);
  });

  it('at full speed without a start the last event is sent now', async () => {
    await using gateway = await startTestGateway(acceptAll());
    const address = ['--url', gateway.url, '--write-key', 'key'];
    const beforeMs = Date.now();
    await penstockSimulate(...address, '--visitors', '5', '--speed', 'max', '--held-back', '0', '--duplicates', '0');
    const times = gateway.requests.flatMap(({ events }) => events.map(({ occurredAt }) => Date.parse(occurredAt)));
    expect(Math.max(...times)).toBeGreaterThan(beforeMs - 10_000);
    expect(Math.max(...times)).toBeLessThan(Date.now() + 10_000);
  });

  it('the same start and seed are the same events', async () => {
    const played: unknown[] = [];
    for (let run = 0; run < 2; run++) {
      await using gateway = await startTestGateway(acceptAll());
      const address = ['--url', gateway.url, '--write-key', 'key'];
      await penstockSimulate(...address, '--visitors', '5', '--speed', 'max', '--start', '2026-01-01T00:00:00Z');
      played.push(gateway.requests.flatMap(({ events }) => events));
    }
    expect(played[0]).toEqual(played[1]);
  });

  it.each([
    [['--visitors', '1', '--duration', '1'], '--visitors and --duration'],
    [['--start', 'soon'], '--start soon'],
    [['--start', '2026-02-30'], '--start 2026-02-30'],
    [['--late', '2'], 'from 0 to 1'],
    [['--seed', '1.5'], 'whole number'],
  ])('%j is an error that says what is wrong', async (args, message) => {
    await expect(penstockSimulate('--url', 'http://127.0.0.1:9', '--write-key', 'k', ...args)).rejects.toThrow(message);
  });
});
