import { describe, expect, it } from 'vitest';
import {
  deviceShares,
  isEmpty,
  judge,
  merge,
  pageViewsFigure,
  visitorsFigure,
} from '../../../src/dashboard/web/figures.js';
import { formatAge, formatChange, formatCountry, formatId } from '../../../src/dashboard/web/format.js';
import { noFigures } from '../../helpers/live-source.js';

const withSeries = (...panes: readonly (readonly [visitors: number, pageViews: number])[]) => ({
  ...noFigures,
  visitors: {
    total: 9,
    series: panes.map(([visitors, pageViews], minute) => ({
      start: new Date(minute * 60_000).toISOString(),
      visitors,
      pageViews,
    })),
  },
});

describe('the headline', () => {
  it('compares the last minute that is over with the one before, not the one that is running', () => {
    const figures = withSeries([4, 8], [7, 9], [1, 1]);
    expect(visitorsFigure(figures)).toEqual({ total: 9, lastMinute: 7, change: 3 });
    expect(pageViewsFigure(figures)).toEqual({ total: 18, lastMinute: 9, change: 1 });
  });

  it('takes the total of visitors as given: visitors of two minutes may be the same ones', () => {
    expect(visitorsFigure(withSeries([5, 5], [5, 5])).total).toBe(9);
  });

  it('is at rest before there is a full minute', () => {
    expect(visitorsFigure(withSeries())).toEqual({ total: 9, lastMinute: 0, change: 0 });
    expect(visitorsFigure(withSeries([3, 3]))).toMatchObject({ lastMinute: 0, change: 0 });
  });
});

describe('devices', () => {
  it('are ordered by size, and their shares are the whole', () => {
    const shares = deviceShares({
      ...noFigures,
      devices: { total: 7, byType: { tablet: 1, desktop: 6, mobile: 1, other: 0 } },
    });
    expect(shares.map(({ type, count }) => [type, count])).toEqual([
      ['desktop', 6],
      ['mobile', 1],
      ['tablet', 1],
    ]);
    expect(shares.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1);
  });
});

describe('messages of the stream', () => {
  it('give the figures: an update replaces what it holds and leaves the rest', () => {
    const first = merge(undefined, 'snapshot', noFigures);
    const pages = [{ path: '/a', views: 1 }];
    expect(merge(first, 'update', { asOf: 'later', pages })).toEqual({ ...noFigures, asOf: 'later', pages });
  });

  it('an update without a snapshot before it is nothing', () => {
    expect(merge(undefined, 'update', { pages: [] })).toBeUndefined();
  });

  it('a board is empty until something came', () => {
    expect(isEmpty(noFigures)).toBe(true);
    expect(isEmpty({ ...noFigures, visitors: { ...noFigures.visitors, total: 1 } })).toBe(false);
  });
});

describe('formats', () => {
  it('an age has one unit and is never negative', () => {
    const day = 86_400_000;
    expect([-5, 0, 59_400, 60_000, 3_600_000, day - 1, day * 3].map(formatAge)).toEqual([
      '0 s',
      '0 s',
      '59 s',
      '1 min',
      '1 h',
      '23 h',
      '3 d',
    ]);
  });

  it('a change says which way', () => {
    expect([3, -1_200, 0].map((change) => formatChange(change, 9))).toEqual(['▲ 3', '▼ 1,200', '= 0']);
  });

  it('a rise of what should be small is bad, and where nobody knows it is neither', () => {
    expect([3, -3, 0].map((change) => judge(change, 'good'))).toEqual(['good', 'bad', 'neither']);
    expect([3, -3, 0].map((change) => judge(change, 'bad'))).toEqual(['bad', 'good', 'neither']);
    expect([3, -3].map((change) => judge(change, undefined))).toEqual(['neither', 'neither']);
  });

  it('a country is named, and what is none stays as it is', () => {
    expect(['DE', 'de', 'XQ', '<b>', ''].map(formatCountry)).toEqual(['Germany', 'Germany', 'XQ', '<b>', '']);
  });

  it('a long id keeps both ends', () => {
    expect(formatId('0192f3a1-7710-7abc-8def-0123456789ab')).toBe('0192…89ab');
    expect(formatId('user-1')).toBe('user-1');
  });
});
