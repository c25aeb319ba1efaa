import type { Performative } from './performatives.js';
import { framingError, ProtocolViolation, SessionViolation } from './violation.js';

/** What the broker announces to its peers, and holds them to. */
export const LIMITS = {
  /** Azure's services announce the same. */
  channelMax: 4999,
  /** Above the links of one connection, which are refused one by one. */
  handleMax: 16_383,
  /** Smallest that the specification lets a peer announce (section 2.4.1). */
  minFrameBytes: 512,
  /** A shorter idle time-out would have the broker send nothing but empty frames. */
  minIdleTimeOutMs: 1000,
  linkNameBytes: 2048,
  deliveryTagBytes: 32,
  /** Deliveries of one disposition: as many as can be unsettled in a session. */
  dispositionRange: 65_536,
} as const;

const notAllowed = (description: string) => new ProtocolViolation('amqp:not-allowed', description);
const notAllowedHere = (description: string) => new SessionViolation('amqp:not-allowed', description);

/** Index of a field in its performative. */
const OPEN = { maxFrameSize: 2, idleTimeOut: 4 } as const;
const HANDLE = { attach: 1, flow: 4, transfer: 0, detach: 0 } as const;

export interface ProtocolRules {
  readonly closed: boolean;
  /**
   * @throws SessionViolation when the session has to end; what comes on its channel then, up to the peer's own end, is not
   * looked at any more.
   * @throws ProtocolViolation when the peer may not send this now, or not with these values.
   */
  check(channel: number, performative: Performative): void;
}

function checkOpen(open: Performative): void {
  const frameBytes = open.uint(OPEN.maxFrameSize);
  if (frameBytes !== undefined && frameBytes < LIMITS.minFrameBytes) {
    throw notAllowed(`max-frame-size must be ${LIMITS.minFrameBytes} or more`);
  }
  const idleMs = open.uint(OPEN.idleTimeOut);
  if (idleMs !== undefined && idleMs !== 0 && idleMs < LIMITS.minIdleTimeOutMs) {
    throw notAllowed(`an idle-time-out of less than ${LIMITS.minIdleTimeOutMs} ms is not supported`);
  }
}

function checkDisposition(disposition: Performative): void {
  const first = disposition.uint(1) ?? 0;
  const last = disposition.uint(2) ?? first;
  // Delivery numbers are serial numbers (RFC 1982) of 32 bits.
  if ((last - first) >>> 0 >= LIMITS.dispositionRange) throw notAllowedHere('a disposition covers too many deliveries');
}

/** The order of performatives in a connection, its sessions and its links, as far as a peer can break it. */
export function createProtocolRules(): ProtocolRules {
  /** Handles in use, by channel; none of a session that was ended for what its peer did. */
  const sessions = new Map<number, Set<number> | 'ending'>();
  let opened = false;
  let closed = false;

  function begin(channel: number, performative: Performative): void {
    if (sessions.has(channel)) throw notAllowed(`channel ${channel} is in use`);
    if (performative.uint(0) !== undefined) throw notAllowed('a begin must not answer one that was not sent');
    sessions.set(channel, new Set());
  }

  function attach(handles: Set<number>, performative: Performative): void {
    const handle = performative.uint(HANDLE.attach) as number;
    if (handle > LIMITS.handleMax) throw framingError(`handle ${handle} is beyond handle-max`);
    if (handles.has(handle)) {
      throw new SessionViolation('amqp:session:handle-in-use', `handle ${handle} is in use`);
    }
    if (performative.lengthOf(0) > LIMITS.linkNameBytes) throw notAllowedHere('the name of a link is too long');
    handles.add(handle);
  }

  function attached(handles: Set<number>, handle: number | undefined): void {
    if (handle !== undefined && !handles.has(handle)) {
      throw new SessionViolation('amqp:session:unattached-handle', `handle ${handle} is not attached`);
    }
  }

  function ofLinks(handles: Set<number>, performative: Performative): void {
    switch (performative.name) {
      case 'attach':
        attach(handles, performative);
        return;
      case 'disposition':
        checkDisposition(performative);
        return;
      case 'flow':
        attached(handles, performative.uint(HANDLE.flow));
        return;
      case 'transfer':
        attached(handles, performative.uint(HANDLE.transfer));
        if (performative.lengthOf(2) > LIMITS.deliveryTagBytes) throw notAllowedHere('a delivery tag is too long');
        return;
      case 'detach':
        attached(handles, performative.uint(HANDLE.detach));
        handles.delete(performative.uint(HANDLE.detach) as number);
    }
  }

  function ofSession(channel: number, performative: Performative): void {
    const handles = sessions.get(channel);
    if (handles === undefined) throw notAllowed(`no session was begun on channel ${channel}`);
    if (performative.name === 'end') {
      sessions.delete(channel);
      return;
    }
    if (handles === 'ending') return;
    try {
      ofLinks(handles, performative);
    } catch (error) {
      if (error instanceof SessionViolation) sessions.set(channel, 'ending');
      throw error;
    }
  }

  return {
    get closed() {
      return closed;
    },
    check(channel, performative) {
      const { name } = performative;
      if (channel > LIMITS.channelMax) throw framingError(`channel ${channel} is beyond channel-max`);
      if (opened === (name === 'open')) throw notAllowed(opened ? 'open was sent already' : 'open has to come first');
      if (name === 'open') {
        checkOpen(performative);
        opened = true;
      } else if (name === 'close') closed = true;
      else if (name === 'begin') begin(channel, performative);
      else ofSession(channel, performative);
    },
  };
}
