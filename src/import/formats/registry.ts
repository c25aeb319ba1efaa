import type { Format } from '../entry.js';
import { ImportError } from '../errors.js';
import { combined } from './combined.js';
import { shopCsv } from './shop-csv.js';

/** Every format that can be imported; to add one, write its file and name it here. */
export const formats: readonly Format[] = [combined, shopCsv];

/** @throws ImportError PS_IMPORT_OPTIONS listing the formats when there is none of that name. */
export function formatNamed(name: string): Format {
  const format = formats.find((candidate) => candidate.name === name);
  if (format) return format;
  const known = formats.map((candidate) => candidate.name).join(', ');
  throw new ImportError('PS_IMPORT_OPTIONS', `there is no format "${name}"; the formats are: ${known}`);
}
