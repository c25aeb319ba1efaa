import { isbot } from 'isbot';
import type { CombinedLine } from './formats/combined-line.js';

/**
 * Why a request is no page view. They are tried in this order, so each request has one reason, and `bot` counts the
 * page views that robots made: exactly those that come back with `--keep-bots`.
 *
 * - `malformed_request`: no request line "METHOD target HTTP/version"
 * - `method`: not GET
 * - `redirect`: 3xx but not 304 (which is a page that the browser had); `partial_content`: 206; `error_status`: 4xx
 *   and 5xx; `other_status`: 1xx and what remains of 2xx, but 200
 * - `asset_…`: the target is not a page, by its last path segment or its query (see `assetClassOf`)
 * - `no_user_agent`: no browser leaves it out; `bot`: it says that it is a robot, a library or a feed reader
 */
export type DropReason =
  | 'malformed_request'
  | 'method'
  | 'redirect'
  | 'partial_content'
  | 'error_status'
  | 'other_status'
  | `asset_${AssetClass}`
  | 'no_user_agent'
  | 'bot';

export type AssetClass = 'image' | 'style' | 'script' | 'font' | 'media' | 'feed' | 'data' | 'download' | 'well_known';

/** Says why a request is no page view, or undefined when it is one. */
export function dropReasonOf(line: CombinedLine, options: { keepBots: boolean }): DropReason | undefined {
  if (line.method === '') return 'malformed_request';
  if (line.method !== 'GET') return 'method';
  const byStatus = statusReason(line.status);
  if (byStatus) return byStatus;
  const asset = assetClassOf(line.target);
  if (asset) return `asset_${asset}`;
  if (options.keepBots) return undefined;
  if (line.userAgent === undefined) return 'no_user_agent';
  return isRobot(line.userAgent) ? 'bot' : undefined;
}

function statusReason(status: number): DropReason | undefined {
  if (status === 200 || status === 304) return undefined;
  if (status === 206) return 'partial_content';
  if (status >= 400) return 'error_status';
  return status >= 300 ? 'redirect' : 'other_status';
}

const extensions: Readonly<Record<Exclude<AssetClass, 'well_known'>, string>> = {
  image: 'png jpg jpeg gif svg svgz ico webp avif bmp tif tiff cur heic',
  style: 'css less scss xsl xslt',
  script: 'js mjs cjs map wasm',
  font: 'ttf otf woff woff2 eot',
  media: 'mp3 mp4 m4a m4v ogg oga ogv webm wav flac aac avi mov mkv wmv mpg mpeg swf flv m3u8 vtt',
  feed: 'rss atom rdf',
  data: 'json jsonld xml csv tsv yaml yml webmanifest ics vcf',
  // Documents, archives and programs, and plain text or source files: a browser saves or shows them, but no page is
  // rendered and no tracking script would run.
  download:
    'pdf doc docx xls xlsx ppt pptx odt ods odp rtf ps tex epub zip gz tgz bz2 xz 7z rar tar jar war exe msi deb rpm dmg iso ' +
    'apk bin img gem whl crx pcap txt log conf cfg ini md markdown c h cpp cc hpp java class py pyc rb pl pm lua sh bat ps1 go rs ' +
    'sql patch diff spec m4 mk vim xs',
};

const classByExtension = new Map<string, AssetClass>(
  Object.entries(extensions).flatMap(([name, list]) => list.split(' ').map((ending) => [ending, name as AssetClass])),
);

const feedFiles = new Set([
  'rss.xml',
  'atom.xml',
  'feed.xml',
  'feed',
  'feeds',
  'rss',
  'rss2',
  'atom',
  'index.rss',
  'index.atom',
]);
const wellKnownFiles = new Set([
  'robots.txt',
  'humans.txt',
  'ads.txt',
  'app-ads.txt',
  'security.txt',
  'crossdomain.xml',
  'browserconfig.xml',
  'manifest.json',
]);
/** Query parameters by which blog software serves the same path as a feed: Blosxom, WordPress, Joomla, Drupal. */
const feedParameters = new Set(['flav', 'feed', 'format']);

/** What a request target is, when it is not a page. Case does not matter; what is not known is a page. */
export function assetClassOf(target: string): AssetClass | undefined {
  const path = pathOf(target).toLowerCase();
  const query = target.slice(target.indexOf('?') + 1);
  if (path.startsWith('/.well-known/')) return 'well_known';
  const file = lastSegment(path);
  if (wellKnownFiles.has(file) || (file.startsWith('sitemap') && (file.endsWith('.xml') || file.endsWith('.gz'))))
    return 'well_known';
  if (feedFiles.has(file) || (target.includes('?') && isFeedQuery(query))) return 'feed';
  const dot = file.lastIndexOf('.');
  return dot < 0 ? undefined : classByExtension.get(file.slice(dot + 1));
}

/** `/a/feed/` is the feed of `/a`, so that one closing slash does not hide the segment; `/a/b.js/` is a folder. */
function lastSegment(path: string): string {
  const last = path.slice(path.lastIndexOf('/') + 1);
  if (last !== '' || path.length < 2) return last;
  const folder = path.slice(path.lastIndexOf('/', path.length - 2) + 1, -1);
  return feedFiles.has(folder) ? folder : '';
}

function isFeedQuery(query: string): boolean {
  for (const pair of query.split('&')) {
    const [key, value = ''] = pair.toLowerCase().split('=', 2);
    if (
      feedParameters.has(key ?? '') &&
      (value === 'feed' || ['rss', 'atom', 'rdf'].some((kind) => value.startsWith(kind)))
    )
      return true;
  }
  return false;
}

/** The path of a request target, without query: origin form `/a?b`, or absolute form `http://host/a?b` (RFC 9112, 3.2). */
export function pathOf(target: string): string {
  const end = target.search(/[?#]/);
  const head = end === -1 ? target : target.slice(0, end);
  if (head.startsWith('/')) return head;
  const authority = head.indexOf('://');
  if (authority === -1) return head;
  const slash = head.indexOf('/', authority + 3);
  return slash === -1 ? '/' : head.slice(slash);
}

const MAX_REMEMBERED_AGENTS = 10_000;
const remembered = new Map<string, boolean>();

/** Sites see the same few user agents again and again, and the list of robots is one large pattern. */
function isRobot(userAgent: string): boolean {
  const known = remembered.get(userAgent);
  if (known !== undefined) return known;
  if (remembered.size >= MAX_REMEMBERED_AGENTS) remembered.clear();
  const robot = isbot(userAgent);
  remembered.set(userAgent, robot);
  return robot;
}
