import { isIP } from 'node:net';
import { InvalidArgumentError } from 'commander';
import { hasDay } from '../shared/calendar.js';

/** The folder of a role, and of the instance that a command looks for: one flag, said alike. */
export const ownDataDir = [
  '--data-dir <folder>',
  'folder of everything that is kept on this machine (default: .penstock)',
] as const;
export const runningDataDir = ['--data-dir <folder>', 'folder of the running instance (default: .penstock)'] as const;

/** A TCP port from the command line; 0 means any free one. */
export function port(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > 65_535 || text.trim() === '') {
    throw new InvalidArgumentError('a port is a whole number from 0 to 65535.');
  }
  return value;
}

const ISO_TIME = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d))?$/;

/** Milliseconds since the epoch of a time with its zone, or of a date, from midnight UTC; undefined when it is neither. */
export function isoTimeMs(text: string): number | undefined {
  const ms = ISO_TIME.test(text) && hasDay(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}

export function positiveNumber(text: string): number {
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value))) throw new InvalidArgumentError('It must be a number above 0.');
  return value;
}

export function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0 || text.trim() === '') {
    throw new InvalidArgumentError('It must be a whole number, 0 or above.');
  }
  return value;
}

export function positiveInteger(text: string): number {
  const value = wholeNumber(text);
  if (value === 0) throw new InvalidArgumentError('It must be above 0.');
  return value;
}

/** Host names and addresses, one for each time that the flag is given. */
export function hostNames(text: string, before: readonly string[] = []): readonly string[] {
  const labels = text.split('.');
  const isName = text.length <= 253 && labels.every((label) => /^(?!-)[A-Za-z0-9-]{1,63}(?<!-)$/.test(label));
  if (isIP(text) === 0 && !isName) throw new InvalidArgumentError('It must be a host name or an address.');
  return [...before, text];
}
