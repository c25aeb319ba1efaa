import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitLines } from '../../src/import/lines.js';

async function* stream(chunks: readonly Buffer[]) {
  yield* chunks;
}

async function split(chunks: readonly (string | Buffer)[], maxLineBytes = 1000): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of splitLines(stream(chunks.map((chunk) => Buffer.from(chunk as string))), maxLineBytes)) {
    expect(line.number).toBe(lines.length + 1);
    lines.push(line.bytes ? line.bytes.toString('latin1') : '(too long)');
  }
  return lines;
}

describe('lines', () => {
  it('a last line without an end is a line, and an end at the end makes none', async () => {
    expect(await split(['a\nb'])).toEqual(['a', 'b']);
    expect(await split(['a\nb\n'])).toEqual(['a', 'b']);
    expect(await split([])).toEqual([]);
    expect(await split(['\n\n'])).toEqual(['', '']);
  });

  it('a carriage return before the end is not part of the line, also where two chunks meet', async () => {
    expect(await split(['a\r\nb\r', '\nc\rd'])).toEqual(['a', 'b', 'c\rd']);
  });

  it('a line beyond the bound is told as such, and the next one is whole', async () => {
    expect(await split(['abcdefgh\nabcd\n', 'ab', 'cd', 'e', '\nx'], 4)).toEqual([
      '(too long)',
      'abcd',
      '(too long)',
      'x',
    ]);
    expect(await split(['x'.repeat(10)], 4)).toEqual(['(too long)']);
  });

  it('where the chunks are cut makes no difference', async () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '\n', '\r', '\u00e4') });
    await fc.assert(
      fc.asyncProperty(text, fc.array(fc.nat(30), { maxLength: 10 }), async (content, cuts) => {
        const bytes = Buffer.from(content);
        const places = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)), bytes.length].sort((a, b) => a - b);
        const chunks = places.slice(1).map((end, index) => bytes.subarray(places[index], end));
        expect(await split(chunks)).toEqual(await split([bytes]));
      }),
    );
  });
});
