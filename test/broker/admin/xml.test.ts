import fc from 'fast-check';
import { XMLValidator } from 'fast-xml-parser';
import { describe, expect, it } from 'vitest';
import { AdminError } from '../../../src/broker/admin/index.js';
import { childOf, parseXml, tag } from '../../../src/broker/admin/xml.js';

const textOf = (inner: string) => parseXml(`<a>${inner}</a>`).text;

describe('reading XML', () => {
  it('cuts namespace prefixes and keeps text as it is', () => {
    const root = parseXml(
      '<?xml version="1.0"?>\n<x:entry xmlns:x="u" x:type="t:v"><x:name> a  b </x:name><b/></x:entry>',
    );
    expect(root.name).toBe('entry');
    expect(root.attributes.get('type')).toBe('t:v');
    expect(childOf(root, 'name')?.text).toBe(' a  b ');
    expect(childOf(root, 'b')).toMatchObject({ text: '', children: [] });
    expect(childOf(root, 'missing')).toBeUndefined();
  });

  it('resolves the predefined entities and character references, once', () => {
    expect(textOf('&lt;&gt;&amp;&quot;&apos;')).toBe('<>&"\'');
    expect(textOf('&#65;&#x42;&#x1F600;')).toBe('AB😀');
    expect(textOf('&amp;lt;')).toBe('&lt;');
    expect(textOf('a&amp;<![CDATA[<&amp;>]]>b')).toBe('a&<&amp;>b');
  });

  it.each([
    ['nothing', ''],
    ['no element', 'text'],
    ['an open element', '<a><b></a>'],
    ['two roots', '<a/><b/>'],
    ['a DOCTYPE', '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'],
    ['a doctype in small letters', '<!doctype a><a/>'],
    ['an unknown entity', '<a>&x;</a>'],
    ['a bare ampersand', '<a>a & b</a>'],
    ['a reference to no character', '<a>&#x110000;</a>'],
    ['great depth', `${'<a>'.repeat(50)}${'</a>'.repeat(50)}`],
    ['enormous depth', `${'<a>'.repeat(30_000)}${'</a>'.repeat(30_000)}`],
  ])('refuses %s', (_, text) => {
    expect(() => parseXml(text)).toThrowError(AdminError);
  });

  it('fails with nothing but its own error, whatever the text', () => {
    const pieces = fc.constantFrom(
      ...['<a>', '</a>', '<b x="1">', '</b>', '<c/>', '&lt;', '&#1;', '&', '<!--', '-->', '<![CDATA[', ']]>', '<?pi?>'],
      ...[
        '<!DOCTYPE',
        '"',
        '<',
        '>',
        '=',
        ' ',
        'text',
        '__proto__',
        '<__proto__>',
        '<constructor/>',
        '\u0000',
        '\ud800',
      ],
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 20 }), (parts) => {
        try {
          parseXml(`<a>${parts.join('')}</a>`);
        } catch (error) {
          if (!(error instanceof AdminError)) throw error;
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('writing XML', () => {
  it('reads back as what was written, whatever the text', () => {
    const character = fc.string({ unit: 'grapheme' });
    fc.assert(
      fc.property(character, character, (text, attribute) => {
        const { xml } = tag('a', { k: attribute }, tag('b', {}, text));
        expect(XMLValidator.validate(xml)).toBe(true);
        expect(childOf(parseXml(xml), 'b')?.text).toBe(text);
        expect(parseXml(xml).attributes.get('k')).toBe(attribute);
      }),
    );
  });

  it('replaces what XML cannot hold', () => {
    expect(tag('a', {}, 'x\u0000\u001b\ud800y').xml).toBe('<a>x\ufffd\ufffd\ufffdy</a>');
  });
});
