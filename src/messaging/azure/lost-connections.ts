import { ConsumeError } from '../consume-errors.js';

interface PendingRequest {
  cleanupBeforeResolveOrReject(): void;
  reject(error: Error): void;
}

interface RequestLink {
  readonly _responsesMap?: Map<unknown, PendingRequest>;
}

type ConnectionEvent = 'disconnected' | 'connection_close';

interface Connection {
  prependListener?(event: ConnectionEvent, listener: () => void): unknown;
  emit?(event: ConnectionEvent, context: object): unknown;
  /** Whether it was we who closed it. */
  wasCloseInitiated?(): boolean;
}

/** The parts of an SDK client's connection context that this reaches into. None is public, so all are optional. */
interface ConnectionContext {
  readonly connection?: Connection;
  readonly cbsSession?: { readonly _cbsSenderReceiverLink?: RequestLink };
  readonly managementSession?: {
    readonly _mgmtReqResLink?: RequestLink;
    getEventHubProperties?(options: object): Promise<unknown>;
  };
  refreshConnection?(): void;
}

/**
 * Makes a client notice at once, and get over it, that its connection ended. The SDKs (core-amqp 4.4, rhea-promise 3)
 * do so only for a socket that breaks, and not in every state:
 * - a connection that the broker closes in good order, as it does before it is updated, ends without the event that
 *   they wait for, and a receiver then waits for ever;
 * - a token or management request that is under way waits for an answer that cannot come. Worse, the timeout or abort
 *   that ends the wait then throws outside of any promise, since it reads the address of a link that is gone, and so
 *   ends the process.
 * Where the SDK looks different from what this reaches into, it does nothing.
 */
export function recoverLostConnections(contextOfClient: unknown, onLost: () => void = () => {}): void {
  const context = contextOfClient as ConnectionContext | undefined;
  const onDisconnected = () => {
    onLost();
    const links = [context?.cbsSession?._cbsSenderReceiverLink, context?.managementSession?._mgmtReqResLink];
    for (const link of links) {
      const pending = link?._responsesMap;
      for (const [id, request] of pending ?? []) {
        pending?.delete(id);
        request.cleanupBeforeResolveOrReject();
        request.reject(new ConsumeError('PS_CONSUME_UNAVAILABLE', 'the connection to the broker was lost'));
      }
    }
  };
  const watch = () => {
    const connection = context?.connection;
    // Before the SDK's own listener, which forgets the links.
    connection?.prependListener?.('disconnected', onDisconnected);
    connection?.prependListener?.('connection_close', () => {
      if (connection.wasCloseInitiated?.() !== false) return;
      // After rhea has answered the close.
      setImmediate(() => connection.emit?.('disconnected', { connection }));
    });
  };
  watch();
  const refresh = context?.refreshConnection;
  if (context === undefined || refresh === undefined) return;
  context.refreshConnection = () => {
    refresh.call(context);
    watch();
  };
}

/**
 * Gives the event processor's question for the partitions, which starts each of its rounds, the client's own retry
 * options: it asks without, and then waits 30 seconds after a connection that was refused.
 */
export function useRetryOptionsForRounds(contextOfClient: unknown, retryOptions: object): void {
  const session = (contextOfClient as ConnectionContext | undefined)?.managementSession;
  const ask = session?.getEventHubProperties;
  if (session === undefined || ask === undefined) return;
  session.getEventHubProperties = (options) => ask.call(session, { retryOptions, ...options });
}
