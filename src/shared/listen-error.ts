import { PenstockError } from './errors.js';

/** PS_PORT_UNAVAILABLE: the address cannot be listened on: in use, not allowed, or not of this machine. */
export class ListenError extends PenstockError<'PS_PORT_UNAVAILABLE'> {
  override readonly name = 'ListenError';
}

export function listenError({ host, port }: { host: string; port: number }, cause: unknown): ListenError {
  const reason = (cause as NodeJS.ErrnoException).code ?? '';
  const facts = { host, port, reason };
  return new ListenError('PS_PORT_UNAVAILABLE', `cannot listen on ${host}:${port}: ${reason}`, { cause, facts });
}
