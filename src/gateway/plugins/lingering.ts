import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { CancelTimer, Clock } from '../../shared/clock.js';

/** How long a client may take to read the last answer and to close. */
const LINGER_MS = 2000;

/**
 * Lets connections end as RFC 9112, section 9.6, has it. Node closes them as soon as the last answer is written; where the
 * client is still sending then, its system is told that nobody listens, and may throw the answer away unread. So only our
 * side is closed, and what still comes is passed over until the client closes too, or a while has gone by.
 */
export function lingerOnEnd(server: Server, event: 'connection' | 'secureConnection', clock: Pick<Clock, 'setTimer'>) {
  server.on(event, (socket: Socket) => {
    let cancel: CancelTimer | undefined;
    // What Node calls behind the last answer.
    socket.destroySoon = () => {
      if (cancel !== undefined || socket.destroyed) return;
      cancel = clock.setTimer(() => socket.destroy(), LINGER_MS);
      socket.once('close', cancel);
      socket.end();
    };
  });
}
