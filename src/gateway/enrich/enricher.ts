import { isbot } from 'isbot';
import { createDeviceDetector, type DeviceType } from '../../events/index.js';
import { remember } from '../../shared/remember.js';

/** What can be told about a client from what its request says. Each answer is remembered, up to a bound. */
export interface Enricher {
  readonly deviceOf: (userAgent: string) => DeviceType;
  readonly isBot: (userAgent: string) => boolean;
  /** ISO 3166-1 alpha-2; undefined where nobody knows, as for private addresses. */
  readonly countryOf: (address: string) => string | undefined;
}

const AGENTS_REMEMBERED = 1000;
const ADDRESSES_REMEMBERED = 20_000;
const UNKNOWN = '';

/** `lookUpCountry` is left out when no source asks for countries. */
export function createEnricher(lookUpCountry?: (address: string) => string | undefined): Enricher {
  const country = remember((address) => lookUpCountry?.(address) ?? UNKNOWN, ADDRESSES_REMEMBERED);
  return {
    deviceOf: createDeviceDetector(AGENTS_REMEMBERED),
    isBot: remember((userAgent) => isbot(userAgent), AGENTS_REMEMBERED),
    countryOf: (address) => country(address) || undefined,
  };
}
