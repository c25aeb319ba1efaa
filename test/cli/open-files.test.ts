import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ensureOpenFiles, openFilesIn, roomForConnections } from '../../src/cli/open-files.js';

const limits = (soft: string) => `Limit                     Soft Limit           Hard Limit           Units
Max processes             63432                63432                processes
Max open files            ${soft}                 4096                 files
`;

describe('how many files may be open', () => {
  it.each([
    ['1024', 1024],
    ['unlimited', undefined],
  ])('is what the system says: %s', (soft, expected) => {
    expect(openFilesIn(limits(soft))).toBe(expected);
  });

  it.runIf(process.platform === 'linux')('is read as Linux writes it', () => {
    expect(openFilesIn(readFileSync('/proc/self/limits', 'utf8'))).toBeGreaterThan(0);
  });

  it('leaves half of them to what is no connection of a client', () => {
    expect(roomForConnections(255)).toBe(127);
  });

  it('is to be enough to load a role', () => {
    expect(() => ensureOpenFiles(127)).toThrow(/127 files open here.*128/);
    expect(() => ensureOpenFiles(128)).not.toThrow();
  });
});
