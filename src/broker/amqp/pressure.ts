/** The part of a socket that back-pressure needs. */
export interface Pausable {
  pause(): unknown;
  resume(): unknown;
}

/** What may wait in memory over all connections. */
export interface MemoryBounds {
  /** Bytes that wait for the disk before sockets are no longer read. */
  readonly waitingBytes: number;
  /** Bytes that wait for the disk before what else comes is refused: many sockets bring some more before they are paused. */
  readonly refusedBytes: number;
  /** Bytes of deliveries whose last frame has not come. */
  readonly incompleteBytes: number;
  /** Bytes on their way to clients before each may have little only. */
  readonly outgoingBytes: number;
}

const MIB = 1024 * 1024;
export const MEMORY_BOUNDS: MemoryBounds = {
  waitingBytes: 64 * MIB,
  refusedBytes: 96 * MIB,
  incompleteBytes: 64 * MIB,
  outgoingBytes: 128 * MIB,
};

/** Bounds what is taken from the network and not yet durable, over all connections. */
export interface Pressure {
  /** False when it may not be taken, since too much waits: then nothing is counted. */
  enter(socket: Pausable, bytes: number): boolean;
  leave(bytes: number): void;
}

/** Stops reading from whoever sends while more than `waitingBytes` wait for the disk; reads on at half of it. */
export function createPressure(bounds: Pick<MemoryBounds, 'waitingBytes' | 'refusedBytes'>): Pressure {
  let waitingBytes = 0;
  const paused = new Set<Pausable>();
  return {
    enter(socket, bytes) {
      // One alone is taken, however large it is.
      const taken = waitingBytes === 0 || waitingBytes + bytes <= bounds.refusedBytes;
      if (taken) waitingBytes += bytes;
      if (waitingBytes > bounds.waitingBytes || !taken) {
        socket.pause();
        paused.add(socket);
      }
      return taken;
    },
    leave(bytes) {
      waitingBytes -= bytes;
      if (waitingBytes > bounds.waitingBytes / 2) return;
      for (const socket of paused) socket.resume();
      paused.clear();
    },
  };
}
