import { type Decoded, decodeValue } from './decode.js';
import { encodeString, encodeSymbol } from './encode.js';
import type { IncomingMessage } from './incoming.js';

const isNamed = (entry: Buffer, name: string) => decodeValue(entry, 0).value === name;

/** The message with one annotation of the broker's, in place of the sender's of that name. */
export function withAnnotation(message: IncomingMessage, name: string, text: string): IncomingMessage {
  const entry = Buffer.concat([encodeSymbol(name), encodeString(text)]);
  const others = message.annotations.filter((one) => !isNamed(one, name));
  return { ...message, annotations: [...others, entry] };
}

/** The value of an annotation; undefined when there is none. */
export function annotationOf(message: IncomingMessage, name: string): Decoded {
  const entry = message.annotations.find((one) => isNamed(one, name));
  return entry && decodeValue(entry, decodeValue(entry, 0).end).value;
}
