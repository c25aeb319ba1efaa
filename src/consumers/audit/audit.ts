import { join } from 'node:path';
import type { MessageHandler } from '../../messaging/index.js';
import type { Consumer } from '../consumer.js';
import { createGiveBack, type GiveBackDeps } from '../give-back.js';
import { textOf } from '../message-body.js';
import { createLineFile } from './line-file.js';

/**
 * Keeps every message of the topic: its event as one JSON line in `<dataDir>/audit/<date>.ndjson`, on disk before the
 * message is completed. A crash between the two writes a line twice: the event's id tells. A body that is not JSON is
 * kept as `{"messageId", "body"}`, the body in base64. While the disk fails messages are given back, later each time.
 */
export function createAudit(deps: GiveBackDeps & { readonly dataDir: string }): Consumer {
  const file = createLineFile(join(deps.dataDir, 'audit'), deps.clock);
  const { later, abort } = createGiveBack(deps, 'audit');
  const handle: MessageHandler = async (message) => {
    const { messageId, body } = message;
    try {
      await file.append(lineOf(messageId, textOf(body), body));
    } catch (error) {
      return later(message, error);
    }
    return { outcome: 'complete' };
  };
  return { concurrency: 128, handle, abort, close: () => file.close() };
}

function lineOf(messageId: string, text: string, body: unknown): string {
  try {
    // Written anew, so that it is one line whatever the sender's layout was.
    return JSON.stringify(JSON.parse(text));
  } catch {
    const bytes = body instanceof Uint8Array ? body : text;
    return JSON.stringify({ messageId, body: Buffer.from(bytes).toString('base64') });
  }
}
