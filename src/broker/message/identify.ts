import type { IncomingMessage } from './incoming.js';
import { rewriteBare } from './rewrite.js';
import { findSection, SECTION, scanSections } from './scan.js';
import { NULL, readCompound } from './wire.js';

const MESSAGE_ID = 0;
const NO_CHANGES = new Map<string, never>();

/** An id of a kind that nothing is decided by (binary) is an id all the same. */
function hasId(bare: Buffer): boolean {
  const section = findSection(scanSections(bare), SECTION.properties);
  if (section === undefined) return false;
  const { count, start } = readCompound(bare, section.valueStart, 'list');
  return count > MESSAGE_ID && bare[start] !== NULL;
}

/**
 * The message with an id: the service gives one to those that come without, and its clients rely on that (the JavaScript
 * one cannot settle a message without an id).
 */
export function identified(message: IncomingMessage, newId: () => string): IncomingMessage {
  if (message.messageId !== undefined || hasId(message.bare)) return message;
  const messageId = newId();
  const { filterable } = message;
  return {
    ...message,
    messageId,
    bare: rewriteBare(message.bare, {
      applicationProperties: NO_CHANGES,
      properties: new Map([[MESSAGE_ID, messageId]]),
    }),
    filterable: {
      system: (name) => (name === 'MessageId' ? messageId : filterable.system(name)),
      property: (name) => filterable.property(name),
    },
  };
}
