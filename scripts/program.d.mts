import type { BuildOptions } from 'esbuild';

export const program: BuildOptions;
