/**
 * What a connection speaks, told by its first bytes:
 *
 *     AMQP  "AMQP"                       AMQP 1.0, section 2.2 (protocol header; SASL has the same four bytes)
 *     TLS   0x16 0x03                    RFC 8446, section 5.1 (handshake record, legacy version 3.x)
 *     HTTP  a method and a space         RFC 9112, section 3
 */
export type Protocol = 'amqp' | 'tls' | 'http';

export type Sniffed = Protocol | 'unknown' | 'more';

const AMQP = Buffer.from('AMQP');
const TLS = Buffer.from([0x16, 0x03]);
const METHODS = ['GET ', 'PUT ', 'POST ', 'DELETE ', 'HEAD ', 'OPTIONS ', 'PATCH '].map((method) =>
  Buffer.from(method),
);

const SIGNATURES: readonly (readonly [Buffer, Protocol])[] = [
  [AMQP, 'amqp'],
  [TLS, 'tls'],
  ...METHODS.map((method) => [method, 'http'] as const),
];

/** `more` while the bytes are the beginning of something known, and too few to tell. */
export function sniff(bytes: Uint8Array): Sniffed {
  let couldBe = false;
  for (const [signature, protocol] of SIGNATURES) {
    const length = Math.min(signature.length, bytes.length);
    if (signature.compare(bytes, 0, length, 0, length) !== 0) continue;
    if (length === signature.length) return protocol;
    couldBe = true;
  }
  return couldBe ? 'more' : 'unknown';
}
