/** A peer that breaks the protocol. The connection ends with this error, and nobody else notices. */
export class ProtocolViolation extends Error {
  override readonly name = 'ProtocolViolation';
  readonly condition: string;

  constructor(condition: string, description: string) {
    super(description);
    this.condition = condition;
  }
}

export const decodeError = (description: string) => new ProtocolViolation('amqp:decode-error', description);
export const framingError = (description: string) =>
  new ProtocolViolation('amqp:connection:framing-error', description);
