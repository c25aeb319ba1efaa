import { isIPv4, isIPv6 } from 'node:net';
import Bowser from 'bowser';
import { remember } from '../shared/remember.js';
import type { DeviceType } from './model.js';

/**
 * An address without its last part: /24 of IPv4 and /48 of IPv6, so that it names a network and not a person.
 * Undefined for what is no address.
 */
export function truncateIp(address: string): string | undefined {
  const mapped = address.startsWith('::ffff:') ? address.slice(7) : address;
  if (isIPv4(mapped)) return `${mapped.slice(0, mapped.lastIndexOf('.'))}.0`;
  if (!isIPv6(address)) return undefined;
  const bare = address.split('%', 1)[0] as string;
  const [head = '', tail] = bare.split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const tailGroups = tail === '' ? 0 : tail.split(':').length + (tail.includes('.') ? 1 : 0);
    while (groups.length + tailGroups < 8) groups.push('0');
    if (groups.length < 3 && tail !== '') groups.push(...tail.split(':'));
  }
  const kept = groups.slice(0, 3).map((group) => Number.parseInt(group, 16).toString(16));
  while (kept.at(-1) === '0') kept.pop();
  return `${kept.join(':')}::`;
}

/** Longest user agent that is kept; the rest says nothing more about the device. */
export const MAX_USER_AGENT_LENGTH = 512;

/**
 * Device class by user agent. Parsing costs some microseconds and few distinct agents make up nearly all traffic, so
 * answers are remembered, up to a bound.
 */
export function createDeviceDetector(capacity = 1000): (userAgent: string) => DeviceType {
  return remember(detect, capacity);
}

function detect(userAgent: string): DeviceType {
  // Bowser throws for an empty text.
  if (userAgent === '') return 'other';
  switch (Bowser.parse(userAgent).platform.type) {
    case 'desktop':
      return 'desktop';
    case 'mobile':
      return 'mobile';
    case 'tablet':
      return 'tablet';
    default:
      return 'other';
  }
}
