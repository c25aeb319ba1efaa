import { describe, expect, it, test } from 'vitest';
import { createClientAddress, LOOPBACK } from '../../src/gateway/proxies.js';

const local = createClientAddress(LOOPBACK);
const behindTwo = createClientAddress(['10.0.0.0/8', '2001:db8:ffff::/48']);

describe('the client behind proxies', () => {
  it.each([
    ['a stranger cannot name another address', '198.51.100.1', '203.0.113.7', local, '198.51.100.1'],
    ['a proxy on this machine is believed', '127.0.0.1', '203.0.113.7', local, '203.0.113.7'],
    ['as an IPv4 address in IPv6 too', '::ffff:127.0.0.1', '203.0.113.7', local, '203.0.113.7'],
    ['what the client itself wrote is left of it', '127.0.0.1', '6.6.6.6, 203.0.113.7', local, '203.0.113.7'],
    ['every trusted hop is passed over', '10.0.0.1', '6.6.6.6, 203.0.113.7, 10.2.3.4', behindTwo, '203.0.113.7'],
    ['IPv6 hops as well', '2001:db8:ffff::1', '203.0.113.7, 2001:db8:ffff:1::2', behindTwo, '203.0.113.7'],
    ['a chain of trusted hops only ends at its first', '10.0.0.1', '10.0.0.3, 10.0.0.2', behindTwo, '10.0.0.3'],
    ['nonsense is no address', '10.0.0.1', 'unknown', behindTwo, '10.0.0.1'],
    ['nonsense ends the chain', '10.0.0.1', '203.0.113.7, _hidden, 10.0.0.2', behindTwo, '10.0.0.2'],
    ['an empty header says nothing', '10.0.0.1', '', behindTwo, '10.0.0.1'],
    ['ports are taken off', '127.0.0.1', '203.0.113.7:49152', local, '203.0.113.7'],
    ['and brackets', '127.0.0.1', '[2001:db8::7]:49152', local, '2001:db8::7'],
  ])('%s', (_title, peer, forwarded, clientAddressOf, client) => {
    expect(clientAddressOf(peer, forwarded)).toBe(client);
  });
});

test('a header of ten thousand trusted hops is not read to its end', () => {
  const forwarded = Array.from({ length: 10_000 }, () => '10.0.0.2').join(',');
  expect(behindTwo('10.0.0.1', `203.0.113.7,${forwarded}`)).toBe('10.0.0.2');
});
