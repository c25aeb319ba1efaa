import { describe, expect, it } from 'vitest';
import { assetClassOf, dropReasonOf, pathOf } from '../../src/import/classify.js';

const page = {
  host: '192.0.2.7',
  timeMs: 0,
  method: 'GET',
  target: '/',
  status: 200,
  userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:26.0) Gecko/20100101 Firefox/26.0',
};
const robot = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)';
const { userAgent: _, ...nameless } = page;

describe('what a request is', () => {
  it.each([
    [page, undefined],
    [{ ...page, status: 304 }, undefined],
    [{ ...page, method: '' }, 'malformed_request'],
    [{ ...page, method: 'HEAD' }, 'method'],
    [{ ...page, status: 301 }, 'redirect'],
    [{ ...page, status: 206 }, 'partial_content'],
    [{ ...page, status: 204 }, 'other_status'],
    [{ ...page, status: 404 }, 'error_status'],
    [{ ...page, status: 503 }, 'error_status'],
    [{ ...page, target: '/a.png' }, 'asset_image'],
    [{ ...page, userAgent: robot }, 'bot'],
    [nameless, 'no_user_agent'],
  ])('%j: %s', (line, reason) => {
    expect(dropReasonOf(line, { keepBots: false })).toBe(reason);
  });

  it('the first reason counts, so that robots are those who made page views', () => {
    expect(dropReasonOf({ ...page, target: '/a.css', userAgent: robot }, { keepBots: false })).toBe('asset_style');
    expect(dropReasonOf({ ...page, status: 404, target: '/a.css' }, { keepBots: false })).toBe('error_status');
  });

  it('robots are kept on request', () => {
    expect(dropReasonOf({ ...page, userAgent: robot }, { keepBots: true })).toBeUndefined();
    expect(dropReasonOf(nameless, { keepBots: true })).toBeUndefined();
  });
});

describe('what a target is', () => {
  it.each([
    '/',
    '/blog',
    '/blog/',
    '/a.html',
    '/a.xhtml?x=1',
    '/index.php',
    '/v1.2',
    '/~me/notes.2015/',
    '/a/b.js/',
    '/feedback',
    '/rss-explained',
    '/a?file=x.png',
    '/a?feed=no',
    '/a?format=json',
    '/a#b.css',
    '',
    '*',
  ])('%s is a page', (target) => {
    expect(assetClassOf(target)).toBeUndefined();
  });

  it.each([
    ['/a/B.PNG', 'image'],
    ['/favicon.ico?v=2', 'image'],
    ['/style2.css', 'style'],
    ['/lib/a.min.js', 'script'],
    ['/a.woff2', 'font'],
    ['/a.mp4', 'media'],
    ['/blog/index.rdf', 'feed'],
    ['/feed', 'feed'],
    ['/blog/feed/', 'feed'],
    ['/atom.xml', 'feed'],
    ['/?flav=rss20', 'feed'],
    ['/blog?page=1&feed=atom', 'feed'],
    ['/?format=feed&type=rss', 'feed'],
    ['/resume.xml', 'data'],
    ['/a.pdf', 'download'],
    ['/a.tar.gz', 'download'],
    ['/misc/sample.log', 'download'],
    ['/robots.txt', 'well_known'],
    ['/sitemap_index.xml', 'well_known'],
    ['/.well-known/change-password', 'well_known'],
    ['http://example.com/a.gif', 'image'],
  ])('%s is of class %s', (target, expected) => {
    expect(assetClassOf(target)).toBe(expected);
  });

  it.each([
    ['/a?b', '/a'],
    ['/a#b?c', '/a'],
    ['http://example.com/a?b', '/a'],
    ['https://example.com', '/'],
    ['//evil/a', '//evil/a'],
    ['*', '*'],
  ])('the path of %s is %s', (target, path) => {
    expect(pathOf(target)).toBe(path);
  });
});
