import fc from 'fast-check';
import { expect, test } from 'vitest';
import { truncateIp } from '../../../src/events/index.js';
import { openCountryDatabase } from '../../../src/gateway/enrich/country.js';
import { createEnricher } from '../../../src/gateway/enrich/enricher.js';

const countryOf = openCountryDatabase();

test('any address has a country of two letters or none, and that of its network', () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (address) => {
      const country = countryOf(truncateIp(address) as string);
      if (country !== undefined) expect(country).toMatch(/^[A-Z]{2}$/);
    }),
    { numRuns: 1000 },
  );
});

test('addresses of no country have none', () => {
  for (const address of ['10.0.0.0', '127.0.0.0', '192.168.1.0', '::', 'fe80::']) {
    expect(countryOf(address), address).toBeUndefined();
  }
});

test('a country that was found is not looked up again', () => {
  const asked: string[] = [];
  const enricher = createEnricher((address) => {
    asked.push(address);
    return address === '193.99.144.0' ? 'DE' : undefined;
  });
  for (let times = 0; times < 3; times++) {
    expect(enricher.countryOf('193.99.144.0')).toBe('DE');
    expect(enricher.countryOf('10.0.0.0')).toBeUndefined();
  }
  expect(asked).toEqual(['193.99.144.0', '10.0.0.0']);
});
