/** Whether a socket's address is of this machine itself: 127.0.0.0/8, also as IPv4 in IPv6, and ::1. */
export const isLoopbackAddress = (address: string | undefined): boolean =>
  address !== undefined && (address === '::1' || /^(?:::ffff:)?127(?:\.\d{1,3}){3}$/.test(address));

/**
 * What a server listens on that is to be reached as `localhost`. Left to Fastify it would be every address that the name has,
 * each with a server of its own that has none of the bounds, and no certificate that is read again.
 */
export const hostToListenOn = (host: string): string => (host === 'localhost' ? '127.0.0.1' : host);
