import type { TrackerOptions } from '../index.js';

/** As they stand on the script (`data-…`, all text) or are given to `init`. */
export type Options = { readonly [Name in keyof TrackerOptions]?: TrackerOptions[Name] | string };
