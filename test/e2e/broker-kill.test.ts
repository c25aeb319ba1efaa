import { afterAll, beforeAll, expect, test } from 'vitest';
import { assetClassOf } from '../../src/import/classify.js';
import { messageOf } from '../../src/shared/errors.js';
import { inputFiles } from '../helpers/input-files.js';
import { waitFor } from '../helpers/wait.js';
import { readPageViews } from './support/direct-counts.js';
import { penstock, type RunningInstance, startInstance } from './support/penstock.js';
import { spooledRecords } from './support/spool.js';

interface Answer {
  readonly results: readonly { readonly id: string; readonly outcome: string }[];
}

let instance: RunningInstance;
beforeAll(async () => {
  instance = await startInstance();
});
afterAll(async () => {
  await instance.stop();
  instance.remove();
});

const BATCH = 100;
const BATCHES = 120;
const KILL_AT = [30, 70];

test('after kill -9 of the broker in the middle of a stream, every event that was answered accepted is there', async () => {
  const accepted = new Set<string>();
  const post = async (batch: number): Promise<boolean> => {
    const events = Array.from({ length: BATCH }, (_, index) => ({
      id: `${batch}-${index}`,
      type: 'page_view',
      anonymousId: `visitor-${(batch * 7 + index) % 50}`,
      page: { path: `/p/${index}` },
    }));
    try {
      // Nobody has to wait for the broker: what it cannot take is accepted on the gateway's own disk.
      const response = await fetch(`${instance.endpoints.gateway}/v1/events`, {
        method: 'POST',
        headers: { authorization: `Bearer ${instance.endpoints.writeKey}`, 'content-type': 'application/json' },
        body: JSON.stringify(events),
      });
      expect(response.status).toBe(200);
      const { results } = (await response.json()) as Answer;
      for (const { id, outcome } of results) if (outcome === 'accepted') accepted.add(id);
      return results.every(({ outcome }) => outcome === 'accepted');
    } catch (error) {
      throw new Error(`batch ${batch}: ${messageOf(error)}`);
    }
  };
  for (let batch = 0; batch < BATCHES; batch++) {
    const posting = waitFor(`batch ${batch} to be accepted`, () => post(batch));
    if (KILL_AT.includes(batch)) {
      await waitFor('the broker to be there', () => instance.readyCount('broker') === 1 + KILL_AT.indexOf(batch));
      process.kill(instance.pidOf('broker'), 'SIGKILL');
    }
    await posting;
  }
  await waitFor('the broker to be there again', () => instance.readyCount('broker') === 1 + KILL_AT.length);
  expect(accepted.size).toBe(BATCH * BATCHES);

  await waitFor('the spool to be empty', async () => (await spooledRecords(instance.endpoints.gateway)) === 0);
  const retained = await retainedIds();
  expect([...accepted].filter((id) => !retained.has(id))).toEqual([]);
});

test('an import goes on over kill -9 of the broker, and every event that it counts as accepted is there', async () => {
  const { accessLog } = inputFiles();
  const views = readPageViews(accessLog, (target) => assetClassOf(target) === undefined).length;
  const before = (await retainedIds()).size;
  const counted = await eventsCounted();
  const importing = penstock([
    ...['import', '--format', 'combined', accessLog, '--shift-to-now', '--json', '--data-dir', instance.dataDir],
    ...['--batch', '50', '--rate', '500'],
  ]);
  await waitFor('the first of the import to be counted', async () => (await eventsCounted()) > counted + 50);
  process.kill(instance.pidOf('broker'), 'SIGKILL');
  const { code, stdout, stderr } = await importing;
  expect(code, stderr).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ accepted: views, end: 'complete' });
  await waitFor('the spool to be empty', async () => (await spooledRecords(instance.endpoints.gateway)) === 0);
  expect((await retainedIds()).size).toBe(before + views);
});

/** What the aggregators have looked at, late events included. */
async function eventsCounted(): Promise<number> {
  const totals = (await (await fetch(`${instance.endpoints.admin}/api/late`)).json()) as Record<string, number>;
  return (totals['counted'] ?? 0) + (totals['late'] ?? 0) + (totals['duplicate'] ?? 0);
}

/** The ids of all events that the hub retains. */
async function retainedIds(): Promise<Set<string>> {
  const replay = await penstock(['replay', '--from', 'earliest', '--data-dir', instance.dataDir]);
  expect(replay.code, replay.stderr).toBe(0);
  const lines = replay.stdout.trimEnd().split('\n');
  return new Set(lines.map((line) => (JSON.parse(line) as { id: string }).id));
}
