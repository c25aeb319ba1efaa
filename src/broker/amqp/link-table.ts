import type { Receiver, Sender, Session } from 'rhea';
import type { Right } from '../security/index.js';
import { type Address, parseAddress, pathOf } from './address.js';
import {
  type AmqpFault,
  entityDeleted,
  entityNotFound,
  internalError,
  MAX_LINKS,
  notAllowed,
  tokenExpired,
  tooManyLinks,
  unauthorized,
} from './conditions.js';
import type { ConnectionContext, LinkService } from './context.js';
import { forgetHandle } from './rhea-connection.js';
import { echoTermini, refuse } from './transport.js';

/** Links that were refused for being too many and are not closed by the client yet. */
const MAX_REFUSED_LINKS = 5500;
/** Links of a client without a token, who needs two to put one. */
const MAX_STRANGER_LINKS = 100;

type Side = 'sender' | 'receiver';
type Serve = (address: Address, path: string) => LinkService | AmqpFault;

interface Opened {
  readonly link: Sender | Receiver;
  readonly service: LinkService;
  /** Undefined for `$cbs`, which needs no token. */
  readonly address: Address | undefined;
  readonly path: string;
  readonly right: Right | undefined;
}

interface OpenLink extends Opened {
  /** Ends its interest in its entity. */
  readonly forget: () => void;
}

/** The links of one connection. */
export interface LinkTable {
  readonly size: number;
  /**
   * Serves a link, or refuses it with a fault; what goes wrong with one link does not harm the connection. False when the
   * client attaches so many that the connection has to end. `side` is the broker's.
   */
  attach(link: Sender | Receiver, side: Side, serve: Serve): boolean;
  /** A session takes its links along, without a word about them. */
  leave(session: Session | undefined): void;
  /** Closes the links that no token covers any more, as the services do. */
  checkTokens(): void;
  /** Lets the links send what they have. */
  resume(): void;
  releaseAll(): void;
}

const isNode = (address: Address) => address.kind === 'cbs' || address.kind === 'management';

export function createLinkTable(context: ConnectionContext): LinkTable {
  const { grants, namespaceName, onError } = context;
  const links = new Set<OpenLink>();
  /** Refused links too, until they are closed. */
  const attached = new Set<Sender | Receiver>();

  function release(open: OpenLink): void {
    links.delete(open);
    open.service.detach?.();
    open.forget();
  }

  function keep(opened: Opened, side: Side): void {
    const { link, service, path } = opened;
    const onChange = () => {
      const fault = service.deletion?.done ? entityDeleted(path) : service.objection?.();
      if (fault === undefined) return;
      release(open);
      link.close({ ...fault });
    };
    const leave = service.usage?.hold();
    const unsubscribe = service.deletion?.subscribe(onChange);
    const forget = () => {
      unsubscribe?.();
      leave?.();
    };
    const open: OpenLink = { ...opened, forget };
    links.add(open);
    link.once(`${side}_close`, () => release(open));
  }

  const authorized = (address: Address, path: string, right: Right | undefined): boolean =>
    address.kind === 'coordinator' || (address.kind === 'management' && address.entity === undefined)
      ? grants.any()
      : grants.covers(path, right);

  function open(link: Sender | Receiver, side: Side, serve: Serve): Opened | AmqpFault {
    const terminus = side === 'sender' ? link.source : link.target;
    if (!terminus) return notAllowed('An address is required.');
    const text = terminus.address ?? '';
    const path = pathOf(text);
    const address = parseAddress(text);
    if (address === undefined) return entityNotFound(namespaceName, path);
    const isCbs = address.kind === 'cbs';
    const right = isNode(address) || address.kind === 'coordinator' ? undefined : side === 'sender' ? 'Listen' : 'Send';
    if (!isCbs && !authorized(address, path, right)) return unauthorized(namespaceName, path, right);
    const service = serve(address, path);
    return 'condition' in service ? service : { link, service, path, right, address: isCbs ? undefined : address };
  }

  return {
    get size() {
      return links.size;
    },
    attach(link, side, serve) {
      // A client may attach again under a name before rhea has let go of the link.
      link.removeAllListeners();
      attached.add(link);
      link.on(`${side}_error`, () => {});
      link.once(`${side}_close`, () => {
        attached.delete(link);
        forgetHandle(link);
      });
      if (attached.size > MAX_STRANGER_LINKS && !grants.any()) return false;
      if (attached.size > MAX_LINKS) {
        refuse(link, tooManyLinks);
        return attached.size <= MAX_LINKS + MAX_REFUSED_LINKS;
      }
      try {
        echoTermini(link);
        const opened = open(link, side, serve);
        if ('condition' in opened) refuse(link, opened);
        else keep(opened, side);
      } catch (error) {
        onError(error);
        refuse(link, internalError);
      }
      return true;
    },
    leave(session) {
      for (const link of attached) if (link.session === session) attached.delete(link);
      for (const one of links) if (one.link.session === session) release(one);
    },
    checkTokens() {
      for (const one of links) {
        if (one.address === undefined || authorized(one.address, one.path, one.right)) continue;
        release(one);
        one.link.close({ ...tokenExpired(namespaceName, one.path) });
      }
    },
    resume() {
      for (const { service } of links) service.resume?.();
    },
    releaseAll() {
      for (const one of links) release(one);
    },
  };
}
