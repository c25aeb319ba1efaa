import { describe, expect, it } from 'vitest';
import { type ImportReport, renderReport } from '../../src/import/index.js';

const report: ImportReport = {
  source: 'access.log',
  format: 'combined',
  unit: 'lines',
  end: 'complete',
  shiftMs: 86_400_000,
  durationMs: 2000,
  requests: 3,
  repeatedRequests: 1,
  lines: 1012,
  accepted: 1000,
  duplicate: 0,
  dropped: { bot: 8, asset_image: 2 },
  rejected: { 'gateway_too_long /page/url': 1, no_time: 1 },
  unsent: 0,
  rejections: [
    { line: 7, reason: 'no_time' },
    { line: 9, reason: 'gateway_too_long', field: '/page/url' },
  ],
};

describe('the account for people', () => {
  it('tells every outcome, with the sum last', () => {
    expect(renderReport(report)).toBe(`accepted                      1,000
duplicate                         0
dropped                          10
  bot                             8
  asset_image                     2
rejected                          2
  gateway_too_long /page/url      1
  no_time                         1
-----------------------------------
lines                         1,012

2.0 s, 500 events/s, 3 requests, 1 sent again
times shifted by 86400000 ms
line 7: no_time
line 9: gateway_too_long /page/url
`);
  });

  it('says how far it came when it ended early', () => {
    const failure = { code: 'PS_GATEWAY_UNREACHABLE', message: 'nobody there' };
    const text = renderReport({ ...report, end: 'failed', failure, unsent: 500, lines: 1512 });
    expect(text).toContain('unsent                          500');
    expect(text).toContain('ended after 1,512 lines: nobody there');
    expect(renderReport({ ...report, end: 'interrupted' })).toContain('stopped after 1,012 lines');
  });

  it('rejected lines that are not shown are counted', () => {
    expect(renderReport({ ...report, rejected: { no_time: 40 } })).toContain('and 38 more rejected');
  });
});
