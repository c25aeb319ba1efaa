import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createPoster,
  fileSource,
  formatNamed,
  type ImportReport,
  runImport,
  type Source,
  streamSource,
} from '../../src/import/index.js';
import { sumOf } from '../../src/import/tally.js';
import { systemClock } from '../../src/shared/clock.js';
import { hasRealInput, realInput } from '../helpers/input-files.js';
import { acceptAll, type Behaviour, results, startTestGateway } from './gateway.js';

const accessLog = () => fileSource(realInput.accessLog);
const shopEvents = () => fileSource(realInput.shopCsv);

interface RunOptions {
  readonly format?: string;
  readonly shiftToNow?: boolean;
  readonly batchSize?: number;
  readonly giveUpAfterMs?: number;
  readonly signal?: AbortSignal;
}

function run(url: string, source: Source, options: RunOptions = {}): Promise<ImportReport> {
  const { format = 'combined', shiftToNow = false, batchSize = 500, giveUpAfterMs = 10_000 } = options;
  const poster = createPoster(
    { fetch, clock: systemClock, random: () => 0.1 },
    { url, writeKey: 'key', requestTimeoutMs: 10_000, giveUpAfterMs },
  );
  return runImport(
    { clock: systemClock, poster },
    source,
    { format: formatNamed(format), formatOptions: { keepBots: false }, batchSize, pace: {}, shiftToNow },
    options.signal ?? new AbortController().signal,
  );
}

function expectAccounted(report: ImportReport): void {
  const { lines, accepted, duplicate, unsent, dropped, rejected } = report;
  expect(accepted + duplicate + unsent + sumOf(dropped) + sumOf(rejected)).toBe(lines);
}

async function sentTo(behaviour: Behaviour, source: Source, options?: RunOptions) {
  await using gateway = await startTestGateway(behaviour);
  const report = await run(gateway.url, source, options);
  expectAccounted(report);
  return { report, requests: gateway.requests, events: gateway.requests.flatMap(({ events }) => events) };
}

describe.runIf(hasRealInput)('importing a real access log', () => {
  it('accounts for every line and posts the page views in the order of the file', async () => {
    const { report, events, requests } = await sentTo(acceptAll(), accessLog());
    expect(report).toMatchObject({
      end: 'complete',
      lines: 10_000,
      accepted: 1494,
      duplicate: 0,
      unsent: 0,
      rejected: { unterminated_quote: 1 },
      rejections: [{ line: 8899, reason: 'unterminated_quote' }],
      shiftMs: 0,
      requests: 3,
    });
    expect(sumOf(report.dropped)).toBe(8505);
    expect(requests.map((request) => request.events.length)).toEqual([500, 500, 494]);
    expect(events[0]).toMatchObject({ type: 'page_view', occurredAt: '2015-05-17T10:05:14.000Z' });
    expect(events.every((event) => !('sentAt' in event))).toBe(true);
  });

  it('one constant shift brings the newest event to now and leaves ids and gaps alone', async () => {
    const kept = await sentTo(acceptAll(), accessLog());
    const beforeMs = Date.now();
    const shifted = await sentTo(acceptAll(), accessLog(), { shiftToNow: true });
    const { shiftMs } = shifted.report;
    expect(shifted.events.map(({ id }) => id)).toEqual(kept.events.map(({ id }) => id));
    expect(shifted.events.map(({ occurredAt }) => Date.parse(occurredAt) - shiftMs)).toEqual(
      kept.events.map(({ occurredAt }) => Date.parse(occurredAt)),
    );
    const newestMs = Math.max(...shifted.events.map(({ occurredAt }) => Date.parse(occurredAt)));
    expect(newestMs).toBeGreaterThanOrEqual(beforeMs);
    expect(newestMs).toBeLessThanOrEqual(Date.now());
  });

  it('a second import sends the same ids', async () => {
    await using gateway = await startTestGateway(acceptAll());
    await run(gateway.url, accessLog(), { shiftToNow: true });
    const second = await run(gateway.url, accessLog(), { shiftToNow: true });
    expect(second).toMatchObject({ accepted: 0, duplicate: 1494 });
    expectAccounted(second);
  });

  it('an outage costs nothing and what was accepted is counted once', async () => {
    const accept = acceptAll();
    let outages = 0;
    const { report } = await sentTo(
      (request) => (outages++ % 3 < 2 ? { status: 503, headers: { 'retry-after': '0' } } : accept(request)),
      accessLog(),
      { batchSize: 100 },
    );
    expect(report).toMatchObject({ end: 'complete', accepted: 1494, requests: 45, repeatedRequests: 30 });
  });
});

describe.runIf(hasRealInput)('importing real shop events', () => {
  it('accounts for every row, and the ten orders have the same numbers each time', async () => {
    const first = await sentTo(acceptAll(), shopEvents(), { format: 'shop-csv', shiftToNow: true });
    expect(first.report).toMatchObject({
      end: 'complete',
      lines: 1001,
      accepted: 1000,
      dropped: { header: 1 },
      rejected: {},
    });
    const second = await sentTo(acceptAll(), shopEvents(), { format: 'shop-csv' });
    const orders = ({ events }: typeof first) =>
      events.filter(({ type }) => type === 'purchase').map(({ properties }) => properties?.['transaction_id']);
    expect(new Set(orders(first)).size).toBe(10);
    expect(orders(second)).toEqual(orders(first));
  });
});

describe.runIf(hasRealInput)('what the gateway says', () => {
  it('its rejections and drops are told by reason and line', async () => {
    const { report } = await sentTo(
      ({ events }) =>
        results(
          events.map((_, index) =>
            index === 0
              ? { outcome: 'rejected', reason: 'too_long', path: '/page/url' }
              : index === 1
                ? { outcome: 'dropped', reason: 'consent' }
                : { outcome: 'accepted' },
          ),
        ),
      shopEvents(),
      { format: 'shop-csv', batchSize: 1000 },
    );
    expect(report).toMatchObject({
      accepted: 998,
      dropped: { gateway_consent: 1, header: 1 },
      rejected: { 'gateway_too_long /page/url': 1 },
      rejections: [{ line: 2, reason: 'gateway_too_long', field: '/page/url' }],
    });
  });

  it('when it stays away the import ends and tells how far it came', async () => {
    const accept = acceptAll();
    const { report } = await sentTo(
      (request) => (request.number <= 2 ? accept(request) : { status: 503 }),
      accessLog(),
      {
        giveUpAfterMs: 50,
        batchSize: 100,
      },
    );
    expect(report).toMatchObject({ end: 'failed', accepted: 200, failure: { code: 'PS_GATEWAY_UNREACHABLE' } });
    expect(report.unsent).toBeGreaterThanOrEqual(100);
    expect(report.lines).toBeLessThan(10_000);
  });
});

describe.runIf(hasRealInput)('ending early', () => {
  it('a stop keeps the counts so far, each line read with its outcome', async () => {
    const stop = new AbortController();
    const accept = acceptAll();
    const { report } = await sentTo(
      (request) => {
        if (request.number === 2) stop.abort();
        return accept(request);
      },
      accessLog(),
      { batchSize: 100, signal: stop.signal },
    );
    expect(report.end).toBe('interrupted');
    expect(report.accepted).toBe(200);
    expect(report.requests).toBe(2);
  });
});

describe('where the bytes come from', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'penstock-import-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const file = (content: string | Buffer) => {
    const path = join(folder, 'input');
    writeFileSync(path, content);
    return fileSource(path);
  };
  const header = 'event_time,event_type,product_id,user_id\n';
  const row = (user: number) => `2019-10-01 00:00:00 UTC,view,1,${user}\n`;
  const options = { format: 'shop-csv' };

  it('gzip is known by its content, also of several members, and a stream by nothing else', async () => {
    const packed = Buffer.concat([gzipSync(header + row(1)), gzipSync(row(2))]);
    expect((await sentTo(acceptAll(), file(packed), options)).report.accepted).toBe(2);
    const byByte = streamSource('stream', () => Readable.from([...packed].map((byte) => Buffer.of(byte))));
    expect((await sentTo(acceptAll(), byByte, options)).report.accepted).toBe(2);
  });

  it('an empty file has no lines', async () => {
    expect((await sentTo(acceptAll(), file(''), options)).report).toMatchObject({ end: 'complete', lines: 0 });
  });

  it('of a broken archive the whole lines are sent and the break is told', async () => {
    const packed = gzipSync(header + Array.from({ length: 20_000 }, (_, user) => row(user)).join(''));
    const { report } = await sentTo(acceptAll(), file(packed.subarray(0, packed.length - 200)), options);
    expect(report).toMatchObject({ end: 'failed', failure: { code: 'PS_IMPORT_UNREADABLE' }, unsent: 0 });
    expect(report.accepted).toBeGreaterThan(10_000);
  });

  it('a file of another kind is told by its first line', async () => {
    const { report } = await sentTo(acceptAll(), file('hello\nworld\n'), options);
    expect(report.failure).toMatchObject({
      code: 'PS_IMPORT_UNREADABLE',
      message: expect.stringContaining('event_time'),
    });
  });

  it('a file that is not there is an error that names it', () => {
    expect(() => fileSource(join(folder, 'none'))).toThrow(expect.objectContaining({ code: 'PS_IMPORT_UNREADABLE' }));
  });

  it('a stream cannot be shifted to now, since that reads it twice', async () => {
    const stream = streamSource('standard input', () => Readable.from([]));
    await expect(sentTo(acceptAll(), stream, { ...options, shiftToNow: true })).rejects.toMatchObject({
      code: 'PS_IMPORT_OPTIONS',
    });
  });
});
