import { afterAll, expect } from 'vitest';
import { waitFor } from './wait.js';

/**
 * Runs around each file of the integration and end-to-end tests, which share a process with the files before and after
 * them: what a file opens it closes, or it is this file that fails and not a later one.
 */

/** What keeps a process alive, by Node's names. Timers of client libraries are left out: they end by themselves. */
const HANDLES = ['TCPServerWrap', 'TCPSocketWrap', 'PipeWrap', 'ProcessWrap', 'FSEventWrap', 'TLSWrap'];

const EVENTS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'uncaughtException', 'unhandledRejection', 'beforeExit'];

interface Opened {
  readonly counts: Readonly<Record<string, number>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly folder: string;
}

function look(): Opened {
  const resources = process.getActiveResourcesInfo();
  return {
    counts: Object.fromEntries([
      ...HANDLES.map((name) => [name, resources.filter((resource) => resource === name).length]),
      ...EVENTS.map((name) => [name, process.listenerCount(name)]),
    ]),
    env: { ...process.env },
    folder: process.cwd(),
  };
}

const before = look();

afterAll(async () => {
  const left = () => {
    const { counts } = look();
    return Object.keys(counts).filter((name) => (counts[name] ?? 0) > (before.counts[name] ?? 0));
  };
  // What was told to close takes a moment to be closed.
  await waitFor(
    'everything that the file opened to be closed',
    () => {
      const names = left();
      if (names.length > 0) throw new Error(`it leaves ${names.join(', ')}`);
      return true;
    },
    60_000,
  );
  const { env, folder } = look();
  expect({ env, folder }, 'environment and folder are as they were').toEqual({
    env: before.env,
    folder: before.folder,
  });
});
