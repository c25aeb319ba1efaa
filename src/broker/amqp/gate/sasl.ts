import { checkFields, type Field, readBytes } from './performatives.js';
import { type Scan, scanValue } from './values.js';
import { decodeError } from './violation.js';

/*
 * The server's side of SASL (AMQP 1.0 part 5, section 5.3):
 *
 *     server: mechanisms   client: init { mechanism, initial-response }   server: outcome { code, additional-data }
 */
const MECHANISMS = 0x40;
const INIT = 0x41;
const OUTCOME = 0x44;
const OK = 0;
const AUTH = 1;

/** As Azure lists them, but for EXTERNAL, which needs client certificates. The official SDKs take ANONYMOUS. */
const OFFERED = ['MSSBCBS', 'PLAIN', 'ANONYMOUS'];
const INIT_FIELDS: readonly Field[] = ['symbol!', 'binary', 'string'];
const MAX_VALUES = 64;

export type CheckKey = (name: string, key: string) => boolean;

export type SaslResult =
  /** `key`: name of the access key that the client has shown; undefined when tokens will tell what it may do. */
  | { readonly kind: 'ok'; readonly answer: Buffer; readonly key: string | undefined }
  | { readonly kind: 'refused'; readonly answer: Buffer; readonly reason: string };

function saslFrame(descriptor: number, fields: readonly Buffer[]): Buffer {
  const body = Buffer.concat(fields);
  const list = [0x00, 0x53, descriptor, 0xd0, 0, 0, 0, 0, 0, 0, 0, fields.length];
  const head = Buffer.from([0, 0, 0, 0, 2, 1, 0, 0, ...list]);
  head.writeUInt32BE(head.length + body.length, 0);
  head.writeUInt32BE(body.length + 4, 12);
  return Buffer.concat([head, body]);
}

const short = (text: string) => Buffer.concat([Buffer.of(Buffer.byteLength(text)), Buffer.from(text)]);

export function mechanismsFrame(): Buffer {
  const names = Buffer.concat(OFFERED.map(short));
  return saslFrame(MECHANISMS, [Buffer.concat([Buffer.of(0xe0, names.length + 2, OFFERED.length, 0xa3), names])]);
}

const outcomeFrame = (code: number, text?: string): Buffer =>
  saslFrame(OUTCOME, [
    Buffer.of(0x50, code),
    text === undefined ? Buffer.of(0x40) : Buffer.concat([Buffer.of(0xa0), short(text)]),
  ]);

const accepted = (key?: string): SaslResult => ({ kind: 'ok', answer: outcomeFrame(OK), key });
const refused = (reason: string): SaslResult => ({ kind: 'refused', answer: outcomeFrame(AUTH, reason), reason });

/** PLAIN (RFC 4616): `authorization NUL name NUL key`. */
function plain(response: Buffer | undefined, check: CheckKey): SaslResult {
  const [, name, key, ...rest] = (response ?? Buffer.alloc(0)).toString('utf8').split('\0');
  if (name === undefined || key === undefined || rest.length > 0) {
    return refused('PLAIN: an initial response with the name of a key and the key is expected.');
  }
  return check(name, key) ? accepted(name) : refused('PLAIN: the name or the key is wrong.');
}

/**
 * Answers the frame that a client sends after it got the mechanisms.
 * @throws ProtocolViolation when it is no `sasl-init`.
 */
export function answerInit(frame: Buffer, check: CheckKey): SaslResult {
  const scan: Scan = { bytes: frame, budget: MAX_VALUES };
  const bodyAt = frame.readUInt8(4) * 4;
  if (frame[bodyAt] !== 0x00 || frame[bodyAt + 1] !== 0x53 || frame[bodyAt + 2] !== INIT) {
    throw decodeError('a sasl-init frame is expected');
  }
  const end = scanValue(scan, bodyAt + 3, frame.length);
  if (end !== frame.length) throw decodeError('there is more in a SASL frame than its performative');
  const [mechanismAt = -1, responseAt = -1] = checkFields(scan, bodyAt + 3, 'sasl-init', INIT_FIELDS);
  const mechanism = readBytes(frame, mechanismAt)?.toString('latin1') ?? '';
  switch (mechanism) {
    case 'ANONYMOUS':
    case 'MSSBCBS':
      return accepted();
    case 'PLAIN':
      return plain(readBytes(frame, responseAt), check);
    case 'EXTERNAL':
      return refused('EXTERNAL is not supported: use ANONYMOUS and put a token to $cbs, or PLAIN with an access key.');
    default:
      return refused(`The mechanism is not supported: use one of ${OFFERED.join(', ')}.`);
  }
}
