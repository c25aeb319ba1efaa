import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { register } from '../../src/cli/import.js';
import { writeEndpoints } from '../../src/shared/endpoints.js';
import { acceptAll, startTestGateway } from '../import/gateway.js';

const HEADER = 'event_time,event_type,product_id,user_id';
const ROW = '2019-10-01 00:00:00 UTC,view,1,7';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'penstock-cli-'));
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

function shopFile(...rows: string[]): string {
  const path = join(folder, 'shop.csv');
  writeFileSync(path, [HEADER, ...rows].join('\n'));
  return path;
}

/** Runs the command in this process; returns what it printed and the exit code that it set. */
async function penstockImport(...args: string[]) {
  let out = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += text;
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
  const command = new Command('import').exitOverride().configureOutput({ writeErr: () => {} });
  register(command);
  const before = process.exitCode;
  try {
    await command.parseAsync(args, { from: 'user' });
    return { out, exitCode: process.exitCode };
  } finally {
    process.exitCode = before;
    vi.restoreAllMocks();
  }
}

describe('penstock import', () => {
  it('finds the running instance by its data folder and prints the account', async () => {
    await using gateway = await startTestGateway(acceptAll());
    const elsewhere = 'none';
    writeEndpoints(folder, {
      pid: process.pid,
      gateway: gateway.url,
      admin: elsewhere,
      serviceBusConnectionString: elsewhere,
      eventHubsConnectionString: elsewhere,
      storageConnectionString: elsewhere,
      redisUrl: elsewhere,
      writeKey: 'key-of-the-instance',
    });
    const { out, exitCode } = await penstockImport('--format', 'shop-csv', '--data-dir', folder, shopFile(ROW, 'bad'));
    expect(exitCode).toBe(0);
    expect(out).toMatch(/^accepted {2,}1$/m);
    expect(out).toMatch(/^rows {2,}3$/m);
    expect(out).toContain('line 3: wrong_number_of_columns');
    expect(gateway.requests[0]?.authorization).toBe('Bearer key-of-the-instance');
    vi.stubEnv('PENSTOCK_DATA_DIR', folder);
    await penstockImport('--format', 'shop-csv', shopFile(ROW));
    expect(gateway.requests).toHaveLength(2);
  });

  it('with --json prints one object and nothing else on standard output', async () => {
    await using gateway = await startTestGateway(acceptAll());
    const address = ['--url', gateway.url, '--write-key', 'key'];
    const { out } = await penstockImport('--format', 'shop-csv', ...address, '--json', '--shift-to-now', shopFile(ROW));
    expect(JSON.parse(out)).toMatchObject({ end: 'complete', lines: 2, accepted: 1, dropped: { header: 1 } });
    const { shiftMs } = JSON.parse(out) as { shiftMs: number };
    expect(gateway.requests[0]?.events[0]?.occurredAt).toBe(new Date(Date.UTC(2019, 9, 1) + shiftMs).toISOString());
  });

  it('exits with 1 when the gateway cannot be reached', async () => {
    const gone = await startTestGateway(acceptAll());
    await gone[Symbol.asyncDispose]();
    const address = ['--url', gone.url, '--write-key', 'key', '--retry-for', '0.1'];
    const { out, exitCode } = await penstockImport('--format', 'shop-csv', ...address, shopFile(ROW));
    expect(exitCode).toBe(1);
    expect(out).toMatch(/^unsent {2,}1$/m);
    expect(out).toContain('ended after 2 rows');
  });

  it.each([
    [['--format', 'apache', '--url', 'http://127.0.0.1:9', '--write-key', 'k', 'x'], 'combined, shop-csv'],
    [['--format', 'combined', '--url', 'http://127.0.0.1:9', '/dev/null'], '--url needs --write-key'],
    [['--format', 'combined', '--data-dir', '/nonexistent', '/dev/null'], 'start Penstock first'],
    [
      ['--format', 'combined', '--url', 'http://127.0.0.1:9', '--write-key', 'k', '/nonexistent'],
      'cannot be read: ENOENT',
    ],
    [['--format', 'combined', '--rate', '0', 'x'], 'above 0'],
    [['--format', 'combined', '--batch', '20000', 'x'], '1 to 10000'],
    [['x'], '--format'],
  ])('%j is an error that says what is wrong', async (args, message) => {
    await expect(penstockImport(...args)).rejects.toThrow(message);
  });

  it('--rate and --speed contradict each other', async () => {
    const args = [
      '--format',
      'shop-csv',
      '--url',
      'http://127.0.0.1:9',
      '--write-key',
      'k',
      '--rate',
      '1',
      '--speed',
      '1',
    ];
    await expect(penstockImport(...args, shopFile(ROW))).rejects.toThrow('--rate and --speed');
  });
});
