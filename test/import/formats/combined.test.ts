import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Entry, FormatOptions } from '../../../src/import/index.js';
import { formatNamed } from '../../../src/import/index.js';

const LINE =
  '192.0.2.7 - - [17/May/2015:10:05:03 +0000] "GET /a?b=1 HTTP/1.1" 200 512 "-" "Mozilla/5.0 (X11; Linux x86_64; rv:26.0) Gecko/20100101 Firefox/26.0"';

async function read(lines: readonly (string | Buffer)[], options: Partial<FormatOptions> = {}): Promise<Entry[]> {
  async function* chunks() {
    for (const line of lines) yield Buffer.concat([Buffer.from(line as string), Buffer.from('\n')]);
  }
  const entries: Entry[] = [];
  for await (const entry of formatNamed('combined').read(chunks(), { keepBots: false, ...options }))
    entries.push(entry);
  return entries;
}

const eventsOf = (entries: readonly Entry[]) =>
  entries.flatMap((entry) => (entry.kind === 'event' ? [entry.event] : []));

describe('an access log', () => {
  it('a page that somebody read becomes a page view', async () => {
    const [event] = eventsOf(await read([LINE]));
    expect(event).toEqual({
      id: expect.stringMatching(/^[\w-]{22}$/),
      type: 'page_view',
      anonymousId: expect.stringMatching(/^[\w-]{22}$/),
      page: { url: '/a?b=1', path: '/a' },
      context: { ip: '192.0.2.7', userAgent: expect.stringContaining('Firefox') },
    });
  });

  it('with the site the URL is whole', async () => {
    const [event] = eventsOf(await read([LINE], { site: 'https://shop.example' }));
    expect(event?.page).toEqual({ url: 'https://shop.example/a?b=1', path: '/a' });
  });

  it('a visitor is an address with a user agent', async () => {
    const other = (from: string, to: string) => LINE.replace(from, to).replace(':03 ', ':04 ');
    const lines = [LINE, other('/a?', '/c?'), other('192.0.2.7', '192.0.2.8'), other('Firefox/26', 'Firefox/27')];
    const [first, same, address, agent] = eventsOf(await read(lines)).map(({ anonymousId }) => anonymousId);
    expect(first).toBe(same);
    expect(new Set([first, address, agent]).size).toBe(3);
  });

  it('a client that is told by name has no address', async () => {
    const [event] = eventsOf(await read([LINE.replace('192.0.2.7', 'host.example')]));
    expect(event?.context).not.toHaveProperty('ip');
  });

  it('equal lines are events of their own, with the same ids in every import', async () => {
    const ids = eventsOf(await read([LINE, LINE, LINE])).map(({ id }) => id);
    expect(new Set(ids).size).toBe(3);
    expect(eventsOf(await read([LINE, LINE, LINE])).map(({ id }) => id)).toEqual(ids);
  });

  it('bytes that are not UTF-8 cost nothing, and keep lines apart', async () => {
    const withByte = (byte: number) => Buffer.from(LINE.replace('Linux', String.fromCharCode(byte)), 'latin1');
    const events = eventsOf(await read([withByte(0xe4), withByte(0xe5)]));
    expect(events.map(({ context }) => context?.userAgent?.includes('\ufffd'))).toEqual([true, true]);
    expect(new Set(events.map(({ id }) => id)).size).toBe(2);
  });

  it('empty and endless lines are rejected by number', async () => {
    expect(await read(['', `${LINE.slice(0, -1)}${'x'.repeat(70_000)}"`])).toEqual([
      { kind: 'rejected', line: 1, reason: 'empty_line' },
      { kind: 'rejected', line: 2, reason: 'line_too_long' },
    ]);
  });

  it('each line has exactly one outcome, whatever it holds', async () => {
    const mutated = fc
      .tuple(fc.nat(LINE.length), fc.nat(20), fc.uint8Array({ maxLength: 20 }))
      .map(([at, cut, put]) =>
        Buffer.concat([
          Buffer.from(LINE.slice(0, at)),
          Buffer.from(put.filter((byte) => byte !== 10)),
          Buffer.from(LINE.slice(at + cut)),
        ]),
      );
    await fc.assert(
      fc.asyncProperty(fc.array(mutated, { maxLength: 20 }), async (lines) => {
        const entries = await read(lines);
        expect(entries.map((entry) => entry.line)).toEqual(lines.map((_, index) => index + 1));
      }),
    );
  });
});

describe('the formats', () => {
  it('an unknown one is an error that lists those there are', () => {
    expect(() => formatNamed('apache')).toThrow(
      expect.objectContaining({ code: 'PS_IMPORT_OPTIONS', message: expect.stringContaining('combined, shop-csv') }),
    );
  });
});
