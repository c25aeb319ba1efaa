/** A peer that breaks the protocol. The connection ends with this error, and nobody else notices. */
export class ProtocolViolation extends Error {
  override readonly name = 'ProtocolViolation';
  readonly condition: string;

  constructor(condition: string, description: string) {
    super(description);
    this.condition = condition;
  }
}

/** What breaks one session alone: it ends, and the others of its connection go on (AMQP 1.0, sections 2.5.7 and 2.8.17). */
export class SessionViolation extends ProtocolViolation {}

export const decodeError = (description: string) => new ProtocolViolation('amqp:decode-error', description);
export const framingError = (description: string) =>
  new ProtocolViolation('amqp:connection:framing-error', description);
