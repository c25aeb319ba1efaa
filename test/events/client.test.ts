import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDeviceDetector, truncateIp } from '../../src/events/client.js';

describe('truncateIp', () => {
  it.each([
    ['203.0.113.77', '203.0.113.0'],
    ['::ffff:203.0.113.77', '203.0.113.0'],
    ['2001:db8:1234:5678:9abc:def0:1234:5678', '2001:db8:1234::'],
    ['2001:db8::1', '2001:db8::'],
    ['1::2:3:4:5:6:7', '1:0:2::'],
    ['1:2:3:4:5:6:7::', '1:2:3::'],
    ['::1', '::'],
    ['fe80::1%eth0', 'fe80::'],
    ['2001:0DB8:0001::', '2001:db8:1::'],
    ['not an address', undefined],
    ['1.2.3.4.5', undefined],
    ['', undefined],
  ])('%s becomes %s', (address, expected) => {
    expect(truncateIp(address)).toBe(expected);
  });

  it('keeps nothing of the last 80 bits of any IPv6 address', () => {
    const group = fc.integer({ min: 0, max: 0xffff }).map((value) => value.toString(16));
    const groups = (count: number) => fc.array(group, { minLength: count, maxLength: count });
    fc.assert(
      fc.property(groups(3), groups(5), groups(5), (network, one, other) => {
        const truncated = truncateIp([...network, ...one].join(':'));
        expect(truncated).toBe(truncateIp([...network, ...other].join(':')));
        expect(truncated).toMatch(/^(?:[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){0,2})?::$/);
      }),
    );
  });
});

describe('the device of a user agent', () => {
  const deviceOf = createDeviceDetector(2);
  it.each([
    [
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36',
      'desktop',
    ],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1',
      'mobile',
    ],
    [
      'Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.6 Mobile/15E148 Safari/604.1',
      'tablet',
    ],
    ['curl/8.5.0', 'other'],
    ['', 'other'],
  ])('%s', (userAgent, device) => {
    expect(deviceOf(userAgent)).toBe(device);
    expect(deviceOf(userAgent)).toBe(device);
  });
});
