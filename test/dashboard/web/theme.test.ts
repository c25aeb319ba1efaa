import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const css = readFileSync('src/dashboard/web/styles/theme.css', 'utf8');
const colours = new Map(
  [...css.matchAll(/--([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)/g)].map(([, name, light, dark]) => [
    name as string,
    { light: light as string, dark: dark as string },
  ]),
);

/** WCAG 2.2, relative luminance. */
function luminance(colour: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(one: string, other: string): number {
  const [darker = 0, lighter = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (lighter + 0.05) / (darker + 0.05);
}

const pairs = (names: readonly string[], grounds: readonly string[]) =>
  names.flatMap((name) => grounds.map((ground): [string, string] => [name, ground]));

describe.each(['light', 'dark'] as const)('in the %s scheme', (scheme) => {
  const contrastOf = (name: string, ground: string) =>
    contrast(colours.get(name)?.[scheme] ?? '', colours.get(ground)?.[scheme] ?? '');

  it.each([
    ...pairs(['ink', 'ink-soft', 'accent', 'warn', 'bad'], ['ground', 'panel']),
    ...pairs(['good'], ['panel']),
    ...pairs(['ink', 'ink-soft', 'accent'], ['flash']),
    ...pairs(['ink', 'ink-soft'], ['bar']),
  ])('text in %s is read on %s', (name, ground) => {
    expect(contrastOf(name, ground)).toBeGreaterThanOrEqual(4.5);
  });

  it.each(pairs(['accent', 'views-edge', 'mobile', 'tablet', 'other', 'good', 'bad', 'warn'], ['panel']))(
    'what is drawn in %s is seen on %s',
    (name, ground) => {
      expect(contrastOf(name, ground)).toBeGreaterThanOrEqual(3);
    },
  );
});
