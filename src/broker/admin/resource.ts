import type { Entry } from './atom.js';
import { AdminError, badRequest, entityNotFound, notChangeable } from './errors.js';
import type { CreateOutcome, DeleteOutcome, UpdateOutcome } from './namespace-port.js';
import type { Element } from './xml.js';

/** What a list is made of, before it is cut into pages. */
export interface Listing {
  readonly path: string;
  readonly size: number;
  entries(from: number, to: number): readonly Entry[];
}

/** The operations on what one path names. All of them throw AdminError. */
export interface Resource {
  /** The entry; undefined where Azure answers an empty list (a queue, topic or hub that is not there). */
  get(): Entry | undefined;
  /** Undefined when it is no list. */
  list(): Listing | undefined;
  create(description: Element): Promise<Entry>;
  update(description: Element): Promise<Entry>;
  remove(): Promise<void>;
}

export function settled<Info>(outcome: CreateOutcome<Info> | UpdateOutcome<Info>, path: string): Info {
  switch (outcome.kind) {
    case 'created':
    case 'updated':
      return outcome.info;
    case 'exists':
      throw new AdminError('PS_ADMIN_CONFLICT', `Conflict. The entity '${path}' already exists.`);
    case 'not-found':
      throw entityNotFound(path);
    case 'invalid':
      throw badRequest(outcome.reason);
    case 'quota':
      throw new AdminError('PS_ADMIN_QUOTA', outcome.reason);
  }
}

export function deleted(outcome: DeleteOutcome, path: string): void {
  if (outcome.kind === 'not-found') throw entityNotFound(path);
}

/** What a path names that can only be looked at. */
export function readOnly(path: string, reading: Partial<Pick<Resource, 'get' | 'list'>>): Resource {
  const refuse = async () => {
    throw notChangeable(path);
  };
  return { get: () => undefined, list: () => undefined, ...reading, create: refuse, update: refuse, remove: refuse };
}

export function expectRoot(description: Element, root: string): void {
  if (description.name !== root) throw badRequest(`The body is a ${description.name}, not a ${root}.`);
}

export function listingOf<Info>(
  path: string,
  infos: readonly Info[] | undefined,
  toEntry: (info: Info) => Entry,
): Listing {
  if (!infos) throw entityNotFound(path);
  return { path, size: infos.length, entries: (from, to) => infos.slice(from, to).map(toEntry) };
}
