import type { LiveFigures } from '../shared/live.js';

/**
 * `snapshot`: all figures. `update`: `asOf` and the figures that changed since the message with the id that the viewer
 * had before; null for one that is no more. `trouble`: the figures cannot be read at present; what the viewer shows is
 * as old as its `asOf`. The id of a message names the state that a viewer has who applied it.
 */
export interface FeedMessage {
  readonly kind: 'snapshot' | 'update' | 'trouble';
  readonly id?: string;
  readonly json: string;
}

/**
 * What every viewer can be brought up to date from, in the memory of one snapshot: each figure, and the version in
 * which it last changed. A viewer that missed any number of versions gets each figure once, as it is now.
 */
export interface LiveHistory {
  /** Number of the newest version; 0 before the first. */
  readonly version: number;
  /** Takes a reading as the next version. */
  record(figures: LiveFigures): void;
  /** The version that a message id names, or undefined when it is none of this history. */
  versionOf(id: string | undefined): number | undefined;
  /** What takes a viewer from a version to the newest: a snapshot for one that has none. */
  since(version: number | undefined): FeedMessage;
}

interface Section {
  readonly json: string;
  readonly changedIn: number;
}

const ID = /^([0-9a-z-]{1,40})\.(\d{1,15})$/;

/** `epoch` tells the ids of this history from those of any other, of another process or before a restart. */
export function createLiveHistory(epoch: string): LiveHistory {
  const sections = new Map<string, Section>();
  let version = 0;
  let asOf = '';

  const take = (name: string, json: string) => {
    if (sections.get(name)?.json !== json) sections.set(name, { json, changedIn: version });
  };
  return {
    get version() {
      return version;
    },
    record(figures) {
      version++;
      asOf = figures.asOf;
      const gone = new Set(sections.keys());
      for (const [name, value] of Object.entries(figures)) {
        if (name === 'asOf' || value === undefined) continue;
        gone.delete(name);
        take(name, JSON.stringify(value));
      }
      for (const name of gone) take(name, 'null');
    },
    versionOf(id) {
      const [, ofEpoch, digits] = ID.exec(id ?? '') ?? [];
      const number = Number(digits);
      return ofEpoch === epoch && number >= 1 && number <= version ? number : undefined;
    },
    since(from) {
      const parts = [`"asOf":${JSON.stringify(asOf)}`];
      for (const [name, { json, changedIn }] of sections) {
        const wanted = from === undefined ? json !== 'null' : changedIn > from;
        if (wanted) parts.push(`${JSON.stringify(name)}:${json}`);
      }
      return {
        kind: from === undefined ? 'snapshot' : 'update',
        id: `${epoch}.${version}`,
        json: `{${parts.join(',')}}`,
      };
    },
  };
}
