import { BlockList, isIP, isIPv4, isIPv6 } from 'node:net';

/** This machine, where a proxy may stand in front of the gateway. */
export const LOOPBACK: readonly string[] = ['127.0.0.0/8', '::1'];

/** More hops than any sound chain has: what is further left is not looked at. */
const MAX_HOPS = 32;

/**
 * Finds the address of a client behind proxies. `X-Forwarded-For` grows to the right: each proxy adds whom it got the
 * request from. So it is read from the right, as long as whoever wrote an entry is a proxy that is trusted; the first
 * address that is not one is the client, and what stands left of it anybody may have made up.
 */
export function createClientAddress(trustedProxies: readonly string[]) {
  const trusted = blockListOf(trustedProxies);
  const isTrusted = (address: string) => trusted.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');

  return function clientAddressOf(peer: string, forwarded: string): string {
    let client = plainAddress(peer);
    if (client === undefined) return peer;
    let end = forwarded.length;
    for (let hop = 0; hop < MAX_HOPS && end >= 0 && isTrusted(client); hop++) {
      const comma = end === 0 ? -1 : forwarded.lastIndexOf(',', end - 1);
      const next = plainAddress(forwarded.slice(comma + 1, end).trim());
      if (next === undefined) break;
      client = next;
      end = comma;
    }
    return client;
  };
}

function blockListOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', prefix] = network.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  }
  return list;
}

const MAPPED = '::ffff:';

/** An address without port, brackets or zone, IPv4 as IPv4; undefined for what is none. Some proxies add the port. */
function plainAddress(text: string): string | undefined {
  let address = text;
  if (address.startsWith('[')) address = address.slice(1, address.indexOf(']'));
  else if (address.includes('.') && address.indexOf(':') === address.lastIndexOf(':'))
    address = address.split(':', 1)[0] ?? '';
  address = address.split('%', 1)[0] ?? '';
  if (address.toLowerCase().startsWith(MAPPED) && isIPv4(address.slice(MAPPED.length)))
    return address.slice(MAPPED.length);
  return isIP(address) === 0 ? undefined : address;
}
