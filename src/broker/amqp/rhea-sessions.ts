import type { Connection, Session } from 'rhea';
import type { AmqpFault } from './conditions.js';
import { SessionViolation } from './gate/index.js';
import { internals, type LinkInternals, type SessionInternals } from './rhea-internals.js';

/**
 * A link is known by its name and its direction (section 2.6.1); rhea knows one link of a name. The second direction gets
 * a name of its own inside, which no peer sees.
 */
export function tellDirectionsApart(connection: Connection): void {
  const inner = internals(connection);
  const attach = inner.on_attach.bind(connection);
  inner.on_attach = (frame) => {
    const { performative, channel } = frame;
    const { name, role: peerReceives } = performative;
    const session = inner.remote_channel_map[channel];
    const links = session?.links ?? {};
    const known = links[name];
    const inOtherDirection = known !== undefined && known.is_receiver() === peerReceives;
    const key = inOtherDirection ? `${name}\0${peerReceives ? 'out' : 'in'}` : name;
    const before = links[key];
    if (before?.is_remote_open()) {
      throw new SessionViolation('amqp:not-allowed', 'a link of this name and direction is attached already');
    }
    if (session && before) finish(session, before);
    performative.name = key;
    attach(frame);
    performative.name = name;
    const link = links[key];
    if (link) link.local.attach.name = name;
  };
}

/**
 * Answers the detach of a link now. rhea does it some turns later, and a link of the same name that is attached before then
 * it takes for the old one, which goes on: the client would wait for both answers.
 */
function finish(session: SessionInternals, link: LinkInternals): void {
  link.close();
  session._process();
  link.remove();
}

/** Frames of a session, of which nothing counts once it was ended for what its peer did (section 2.5.7). */
const FRAMES = ['on_attach', 'on_flow', 'on_transfer', 'on_disposition', 'on_detach'] as const;

export interface SessionEnds {
  /** Ends the session of that channel of the peer with an error; the other sessions of the connection go on. */
  end(channel: number, fault: AmqpFault): void;
}

/**
 * rhea writes what waits to be sent before it answers attaches: a client that gives credit along with its attach would get
 * messages of a link that it does not know yet.
 */
export function answerAttachesFirst(session: SessionInternals): void {
  const process = session._process.bind(session);
  session._process = () => {
    if (session.state.need_open()) session.output(session.local.begin);
    for (const name in session.links) {
      const link = session.links[name];
      if (link?.state.need_open()) session.output(link.local.attach);
    }
    process();
  };
}

/** Once the end is written nothing more leaves in the session: what is settled later has nobody to be told to. */
function leaveWithEnd(session: SessionInternals): void {
  const process = session._process.bind(session);
  session._process = () => {
    session._process = () => {};
    process();
  };
}

/**
 * Lets a session end alone. To be called after everything else that takes frames: violations that come out of there end
 * their session, where rhea would end the connection. `onEnd` is told before the end leaves.
 */
export function endSessionsAlone(
  connection: Connection,
  onEnd: (session: Session, fault: AmqpFault) => void,
): SessionEnds {
  const inner = internals(connection);
  const ending = new WeakSet<SessionInternals>();
  const sessionOf = (channel: number) => inner.remote_channel_map[channel];

  function end(channel: number, fault: AmqpFault): void {
    const session = sessionOf(channel);
    if (session === undefined || ending.has(session) || connection.is_closed()) return;
    ending.add(session);
    onEnd(session as unknown as Session, fault);
    session.close({ ...fault });
    leaveWithEnd(session);
  }

  for (const name of FRAMES) {
    const take = inner[name].bind(connection) as (frame: { readonly channel: number }) => void;
    inner[name] = (frame: { readonly channel: number }) => {
      const session = sessionOf(frame.channel);
      if (session !== undefined && ending.has(session)) return;
      try {
        take(frame);
      } catch (error) {
        if (!(error instanceof SessionViolation)) throw error;
        end(frame.channel, { condition: error.condition, description: error.message });
      }
    };
  }
  return { end };
}
