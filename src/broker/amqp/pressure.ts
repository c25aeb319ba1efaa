/** The part of a socket that back-pressure needs. */
export interface Pausable {
  pause(): unknown;
  resume(): unknown;
}

/** Bounds what is taken from the network and not yet durable, over all connections. */
export interface Pressure {
  enter(socket: Pausable, bytes: number): void;
  leave(bytes: number): void;
}

/** Stops reading from whoever sends while more than `limitBytes` wait for the disk; reads on at half of it. */
export function createPressure(limitBytes: number): Pressure {
  let waitingBytes = 0;
  const paused = new Set<Pausable>();
  return {
    enter(socket, bytes) {
      waitingBytes += bytes;
      if (waitingBytes <= limitBytes) return;
      socket.pause();
      paused.add(socket);
    },
    leave(bytes) {
      waitingBytes -= bytes;
      if (waitingBytes > limitBytes / 2) return;
      for (const socket of paused) socket.resume();
      paused.clear();
    },
  };
}
