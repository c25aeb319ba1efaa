import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { beginRun } from '../../src/broker/run-note.js';
import { createManualClock } from '../helpers/manual-clock.js';
import { waitFor } from '../helpers/wait.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'penstock-run-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const fail = (error: unknown) => {
  throw error;
};

describe('the note of a run', () => {
  const begin = (clock = createManualClock()) => beginRun(join(folder, 'running'), clock, fail);

  it('is suspicious after two runs that ended early, one after the other', async () => {
    for (const expected of [false, false, true, true]) expect((await begin()).isSuspicious).toBe(expected);
  });

  it('is not after a run that ended as it should', async () => {
    for (let run = 0; run < 4; run++) {
      const note = await begin();
      expect(note.isSuspicious).toBe(false);
      await note.end();
    }
  });

  it('begins anew with a run that lasted, however that ended', async () => {
    await begin();
    const clock = createManualClock();
    await begin(clock);
    clock.advance(60_000);
    await waitFor('the note', async () => (await readFile(join(folder, 'running'), 'utf8')).includes('-1'));
    expect((await begin()).isSuspicious).toBe(false);
    expect((await begin()).isSuspicious).toBe(false);
  });

  it('is suspicious at once when damage was met', async () => {
    await (await begin()).suspect();
    expect((await begin()).isSuspicious).toBe(true);
  });

  it('takes a note that was half written for one early end', async () => {
    await writeFile(join(folder, 'running'), '{"ear');
    expect((await begin()).isSuspicious).toBe(false);
    expect((await begin()).isSuspicious).toBe(true);
  });
});
