/** How a program of the tests is bundled: beside the dependencies that it loads, as the product is. */
export const program = {
  bundle: true,
  packages: 'external',
  platform: 'node',
  format: 'esm',
  target: 'node20',
  logLevel: 'warning',
};
