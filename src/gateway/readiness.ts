import type { Sink, SinkReport } from './publish/sink.js';

/** Whether events are taken, with the state of each sink. */
export interface Readiness {
  readonly ready: boolean;
  readonly sinks: Readonly<Record<string, SinkReport>>;
}

export function readinessOf(sinks: readonly Sink[]): Readiness {
  return {
    ready: sinks.every((sink) => sink.isReady()),
    sinks: Object.fromEntries(sinks.map((sink) => [sink.name, sink.report()])),
  };
}

/** Of all processes together: ready when each of them is, and of every sink the worst state and what waits in all spools. */
export function mergeReadiness(all: readonly (Readiness | undefined)[]): Readiness {
  const sinks = new Map<string, SinkReport>();
  for (const [name, report] of all.flatMap((one) => Object.entries(one?.sinks ?? {}))) {
    const known = sinks.get(name);
    sinks.set(name, known === undefined ? report : worseOf(known, report));
  }
  return { ready: all.every((one) => one?.ready === true), sinks: Object.fromEntries(sinks) };
}

const BADNESS = { up: 0, connecting: 1, down: 2 } as const;

function worseOf(one: SinkReport, other: SinkReport): SinkReport {
  const worse = BADNESS[other.state] > BADNESS[one.state] ? other : one;
  const [a, b] = [one.spool, other.spool];
  // Where the spool is switched off, only some may have one that is emptied.
  if (a === undefined || b === undefined) {
    const spool = a ?? b;
    return spool === undefined ? worse : { ...worse, spool };
  }
  const spool = {
    records: a.records + b.records,
    bytes: a.bytes + b.bytes,
    oldestMs: Math.max(a.oldestMs, b.oldestMs),
  };
  return { ...worse, spool };
}
