/** Whether a socket's address is of this machine itself: 127.0.0.0/8, also as IPv4 in IPv6, and ::1. */
export const isLoopbackAddress = (address: string | undefined): boolean =>
  address !== undefined && (address === '::1' || /^(?:::ffff:)?127(?:\.\d{1,3}){3}$/.test(address));
