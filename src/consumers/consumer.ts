import type { MessageHandler } from '../messaging/index.js';

/** A subscriber of the topic: what it does with each message, and how many at once. */
export interface Consumer {
  readonly concurrency: number;
  readonly handle: MessageHandler;
  /** Ends waits, so that the messages in hand are soon given back. */
  abort?(): void;
  /** Called when no message is in hand any more. */
  close(): Promise<void>;
}
