import axe, { type AxeResults, type RunOptions } from 'axe-core';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import type { AdminServerDeps } from '../../../src/dashboard/index.js';
import type { LiveFigures } from '../../../src/shared/live.js';
import { createMemoryLiveSource, noFigures } from '../../helpers/live-source.js';
import { createPageRig, everything, patience } from './rig.js';

const { serve, open } = createPageRig();

const health = {
  asOf: everything.asOf,
  parts: [
    { name: 'Gateway', state: 'good', text: 'in order' },
    { name: 'Broker', state: 'bad', text: '3 dead letters' },
  ],
  partitions: [
    {
      partition: '0',
      sequenceNumber: 1,
      lag: 0,
      watermark: everything.asOf,
      appliedAt: everything.asOf,
      savedAt: everything.asOf,
    },
  ],
  totals: { counted: 1, late: 1 },
};
const routes: AdminServerDeps['routes'] = [
  async (app) => {
    app.get('/api/system', async () => health);
    app.get('/api/visitors/events', async () => ({ events: everything.events, minutes: 60, complete: true }));
  },
];

/** What axe has to say against the page, rule by rule. */
async function faultsOf(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations, passes } = await page.evaluate(async () => {
    const { axe: auditor } = window as unknown as { axe: { run(options: RunOptions): Promise<AxeResults> } };
    // Of what is in order, every rule is told and not every element.
    return auditor.run({ resultTypes: ['violations'] });
  });
  if (passes.length < 10) return ['hardly anything was looked at'];
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 120)} ${failureSummary}`),
  );
}

describe('an audit finds nothing against', () => {
  it.each([
    ['light', 1_440],
    ['dark', 1_440],
    ['light', 360],
    ['dark', 360],
  ] as const)('the page in %s at %d pixels, nor against the dialog of a visitor', async (colorScheme, width) => {
    const { url } = await serve(createMemoryLiveSource(everything as unknown as LiveFigures), { routes });
    const { page, figure, text } = await open(url, { width, height: 900 });
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await expect.poll(() => figure('visitors-total'), patience).toBe('312');
    await page.locator('[data-panel="system"] .part').first().waitFor();
    expect(await faultsOf(page)).toEqual([]);
    await page.locator('[data-panel="traffic"] .panel-head button').click();
    await page.locator('#offers td button').first().click();
    await expect.poll(() => text('#visitor-status'), patience).toContain('100 events');
    expect(await faultsOf(page)).toEqual([]);
  });

  it('the page before the first event, and the one that asks for the token', async () => {
    const { url } = await serve(createMemoryLiveSource(noFigures));
    const { page } = await open(url);
    await page.locator('#empty').waitFor();
    expect(await faultsOf(page)).toEqual([]);
    const locked = await serve(createMemoryLiveSource(noFigures), { token: 'a-long-admin-token' });
    const login = await open(locked.url);
    await login.page.locator('#login').waitFor();
    expect(await faultsOf(login.page)).toEqual([]);
  });
});
