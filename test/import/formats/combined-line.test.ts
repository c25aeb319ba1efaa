import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCombinedLine, parseLogTime } from '../../../src/import/formats/combined-line.js';

const WHOLE =
  '192.0.2.7 - - [17/May/2015:10:05:03 +0000] "GET /a?b=1 HTTP/1.1" 200 512 "https://example.com/" "Mozilla/5.0 (X11)"';

function lineOf(text: string) {
  const parsed = parseCombinedLine(text);
  if (!parsed.ok) throw new Error(parsed.fault);
  return parsed.line;
}

function faultOf(text: string) {
  const parsed = parseCombinedLine(text);
  return parsed.ok ? undefined : parsed.fault;
}

describe('a combined line', () => {
  it('has its fields read', () => {
    expect(lineOf(WHOLE)).toEqual({
      host: '192.0.2.7',
      timeMs: Date.UTC(2015, 4, 17, 10, 5, 3),
      method: 'GET',
      target: '/a?b=1',
      status: 200,
      referrer: 'https://example.com/',
      userAgent: 'Mozilla/5.0 (X11)',
    });
  });

  it('a hyphen stands for what the client did not send', () => {
    const line = lineOf('::1 - bob [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 304 - "-" "-"');
    expect(line).not.toHaveProperty('referrer');
    expect(line).not.toHaveProperty('userAgent');
  });

  it('a user name may hold spaces and brackets', () => {
    const line = lineOf(WHOLE.replace('- - [', '- Ann [ops] Lee ['));
    expect(line.timeMs).toBe(Date.UTC(2015, 4, 17, 10, 5, 3));
  });

  it('fields after the user agent are ignored', () => {
    expect(lineOf(`${WHOLE} "203.0.113.9" 0.003`).userAgent).toBe('Mozilla/5.0 (X11)');
  });

  it('escaped quotes and backslashes belong to the field', () => {
    const line = lineOf(WHOLE.replace('Mozilla/5.0 (X11)', String.raw`a \"b\" c\\d\te`));
    expect(line.userAgent).toBe('a "b" c\\d\te');
  });

  it('escaped bytes of a user agent are read as UTF-8, and as a replacement character when they are not', () => {
    expect(lineOf(WHOLE.replace('Mozilla/5.0 (X11)', String.raw`\xc3\xa4\xE4!`)).userAgent).toBe('\u00e4\ufffd!');
  });

  it('escaped bytes of a URL are percent-encoded, so that none is lost', () => {
    const line = lineOf(WHOLE.replace('https://example.com/', String.raw`http://\xe4\xe5.example/\"`));
    expect(line.referrer).toBe('http://%E4%E5.example/%22');
  });

  it('a backslash that begins no escape stands for itself', () => {
    expect(lineOf(WHOLE.replace('Mozilla/5.0 (X11)', String.raw`DOMAIN\user \xg1 \q`)).userAgent).toBe(
      String.raw`DOMAIN\user \xg1 \q`,
    );
  });

  it('a request line that is none leaves the method empty', () => {
    for (const request of ['-', '', 'GET /', String.raw`\x16\x03\x01`, 'GET / FTP/1']) {
      expect(lineOf(WHOLE.replace('GET /a?b=1 HTTP/1.1', request)).method).toBe('');
    }
  });

  it.each([
    ['', 'no_client_address'],
    ['word', 'no_client_address'],
    ['192.0.2.7 - - nothing', 'no_time'],
    [WHOLE.replace('17/May', '32/May'), 'bad_time'],
    [WHOLE.replace('"GET', 'GET'), 'no_request'],
    [WHOLE.slice(0, 60), 'unterminated_quote'],
    [WHOLE.replace(' 200 ', ' 99 '), 'bad_status'],
    [WHOLE.replace(' 200 ', '200 '), 'bad_status'],
    ['192.0.2.7 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 512', 'no_referrer'],
    [`${WHOLE.slice(0, WHOLE.indexOf(' "Mozilla'))}`, 'no_user_agent_field'],
    [WHOLE.slice(0, -1), 'unterminated_quote'],
    [`${WHOLE.slice(0, -1)}\\"`, 'unterminated_quote'],
  ])('%j is refused as %s', (text, fault) => {
    expect(faultOf(text)).toBe(fault);
  });

  it('no text makes the parser throw', () => {
    const mutated = fc
      .tuple(fc.nat(WHOLE.length), fc.nat(20), fc.string({ unit: 'binary' }))
      .map(([at, cut, put]) => WHOLE.slice(0, at) + put + WHOLE.slice(at + cut));
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), mutated), (text) => {
        const parsed = parseCombinedLine(text);
        expect(typeof parsed.ok).toBe('boolean');
      }),
      { numRuns: 1000 },
    );
  });

  it('takes time in proportion to its length, whatever it holds', () => {
    // A scan that went back would take hours for these.
    for (const unit of [' [', '\\', '"', '\\x', '" ', ' [17/May/2015:10:05:03 +0000]']) {
      expect(() => parseCombinedLine(`192.0.2.7 ${unit.repeat(50_000)}`)).not.toThrow();
      expect(() => parseCombinedLine(WHOLE.replace('Mozilla', unit.repeat(50_000)))).not.toThrow();
    }
  });
});

describe('a log time', () => {
  it('is read with its zone', () => {
    expect(parseLogTime('17/May/2015:10:05:03 +0200')).toBe(Date.UTC(2015, 4, 17, 8, 5, 3));
    expect(parseLogTime('31/Dec/2023:23:59:60 -0130')).toBe(Date.UTC(2024, 0, 1, 1, 30, 0));
    expect(parseLogTime('29/Feb/2024:00:00:00 +0000')).toBe(Date.UTC(2024, 1, 29));
  });

  it.each([
    '29/Feb/2023:00:00:00 +0000',
    '00/May/2015:10:05:03 +0000',
    '17/Mai/2015:10:05:03 +0000',
    '17/May/0000:10:05:03 +0000',
    '17/May/2015:24:05:03 +0000',
    '17/May/2015:10:60:03 +0000',
    '17/May/2015:10:05:61 +0000',
    '17/May/2015:10:05:03 00000',
    '17/May/2015:10:05:03 +1500',
    '17/May/2015 10:05:03 +0000',
    '1 /May/2015:10:05:03 +0000',
    '17/May/2015:10:05:03 +000',
  ])('%s is no time', (text) => {
    expect(parseLogTime(text)).toBeUndefined();
  });

  it('any real time is read back', () => {
    const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
    const seconds = fc.integer({ min: 0, max: 4_000_000_000 });
    fc.assert(
      fc.property(seconds, (second) => {
        const iso = new Date(second * 1000).toISOString();
        const text = `${iso.slice(8, 10)}/${months[Number(iso.slice(5, 7)) - 1]}/${iso.slice(0, 4)}:${iso.slice(11, 19)} +0000`;
        expect(parseLogTime(text)).toBe(second * 1000);
      }),
    );
  });
});
