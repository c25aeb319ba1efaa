import type { SeenMessage } from '../../messaging/index.js';

export type BodyPreview =
  | { readonly as: 'json'; readonly value: unknown; readonly text: string }
  | { readonly as: 'text'; readonly text: string }
  | { readonly as: 'hex'; readonly text: string };

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to replace
const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]/g;

/** Text that cannot move the cursor or colour the terminal: messages come from anywhere. */
const harmless = (text: string): string =>
  text.replace(CONTROLS, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);

function parsed(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}

const decoded = (bytes: Uint8Array): string | undefined => {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
};

/** A body as what it looks like: JSON, text, or bytes. */
export function previewBody(body: unknown): BodyPreview {
  if (!(body instanceof Uint8Array)) return { as: 'json', value: body, text: JSON.stringify(body) ?? 'null' };
  const text = decoded(body);
  if (text === undefined) return { as: 'hex', text: Buffer.from(body).toString('hex') };
  const json = parsed(text);
  return json ? { as: 'json', value: json.value, text: JSON.stringify(json.value) } : { as: 'text', text };
}

const shortened = (text: string, longest: number) =>
  text.length > longest ? `${text.slice(0, longest)}… (${text.length} characters)` : text;

const pairs = (values: Readonly<Record<string, unknown>>): string =>
  Object.entries(values)
    .map(([name, value]) => `${name} = ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ');

/** One message in a few lines. */
export function describeMessage(message: SeenMessage, longestBody: number): string {
  const { sequenceNumber, messageId, state, enqueuedAtMs, deliveryCount, body } = message;
  const delivered = deliveryCount > 0 ? `, delivered ${deliveryCount} times before` : '';
  const lines = [
    `#${sequenceNumber}  ${messageId ?? '(no id)'}  ${state}, enqueued ${new Date(enqueuedAtMs).toISOString()}${delivered}`,
    pairs(message.properties),
    pairs(message.applicationProperties),
    shortened(previewBody(body).text, longestBody),
  ];
  return `${lines
    .filter((line) => line !== '')
    .map(harmless)
    .join('\n    ')}\n`;
}

/** One message as a line of JSON. */
export function messageAsJson(message: SeenMessage): string {
  const { body, enqueuedAtMs, ...rest } = message;
  const preview = previewBody(body);
  const shown = preview.as === 'json' ? { json: preview.value } : { [preview.as]: preview.text };
  const enqueuedAt = new Date(enqueuedAtMs).toISOString();
  return `${JSON.stringify({ ...rest, enqueuedAt, body: shown }, (_, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  )}\n`;
}
