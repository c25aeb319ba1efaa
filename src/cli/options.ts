import { InvalidArgumentError } from 'commander';

/** A TCP port from the command line; 0 means any free one. */
export function port(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > 65_535 || text.trim() === '') {
    throw new InvalidArgumentError('a port is a whole number from 0 to 65535.');
  }
  return value;
}

export function positiveNumber(text: string): number {
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value))) throw new InvalidArgumentError('It must be a number above 0.');
  return value;
}
