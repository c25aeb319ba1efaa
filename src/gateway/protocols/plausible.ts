import { parseJson } from '../pipeline/parse.js';
import { Problem } from '../problem.js';
import { compact, type Fields, fieldsOf, firstOf, numberOf, textOf } from './fields.js';
import { campaignOfUrl, contextOf, type NativeEvent, nameEvent, propertiesOr, without } from './foreign.js';
import { describeRejection, rejectedOf } from './outcome.js';
import type { MappedEvents, Protocol, Reply, RequestHead } from './protocol.js';

/**
 * Plausible's `/api/event`. It knows no visitors and no ids: a visitor is found, if at all, by what the source's privacy
 * rules make of the request. The site's domain is its write key.
 */

const TYPES: ReadonlyMap<unknown, string> = new Map([
  ['pageview', 'page_view'],
  ['engagement', 'user_engagement'],
  ['Outbound Link: Click', 'click'],
  ['File Download', 'file_download'],
  ['Form: Submission', 'form_submit'],
]);

const PLACED: ReadonlySet<string> = new Set([
  ...['d', 'domain', 'n', 'name', 'u', 'url', 'r', 'referrer', 'p', 'props', 'm', 'meta', '$', 'revenue'],
  ...['w', 'screen_width', 'i', 'interactive', 'e', 'sd'],
]);

/** Events whose property `url` is where the link leads. */
const LINKS: ReadonlySet<unknown> = new Set(['Outbound Link: Click', 'File Download']);

function mapPlausible(_head: RequestHead, body: Buffer): MappedEvents | Problem {
  const parsed = parseJson(body);
  if (parsed instanceof Problem) return parsed;
  const event = fieldsOf(parsed.value);
  if (event === undefined) return new Problem('PS_BODY_NOT_EVENTS', 'Send one event as a JSON object');
  const domain = textOf(firstOf(event, 'd', 'domain'));
  return { items: [mapEvent(event, domain)], writeKey: domain };
}

function mapEvent(event: Fields, domain: string | undefined): NativeEvent {
  const name = firstOf(event, 'n', 'name');
  const own = propertiesOf(firstOf(event, 'p', 'props', 'm', 'meta'));
  const fields = fieldsOf(own);
  const money = moneyOf(firstOf(event, '$', 'revenue'));
  const url = textOf(firstOf(event, 'u', 'url'));
  const told = compact({
    ...without(event, PLACED),
    domain,
    screen_width: firstOf(event, 'w', 'screen_width'),
    interactive: firstOf(event, 'i', 'interactive'),
    engagement_time_msec: event['e'],
    scroll_depth: event['sd'],
    ...(LINKS.has(name) ? { link_url: fields?.['url'] } : {}),
    ...money,
    ...fields,
  });
  const { type, properties } = nameEvent(name, told ?? {}, TYPES);
  return {
    type,
    page: compact({ url, referrer: textOf(firstOf(event, 'r', 'referrer')) }),
    properties: propertiesOr(own, properties),
    context: contextOf({ campaign: campaignOfUrl(url) }),
  };
}

/** Some versions of the script send the properties as JSON text. */
function propertiesOf(sent: unknown): unknown {
  if (typeof sent !== 'string') return sent;
  const parsed = parseJson(Buffer.from(sent, 'utf8'));
  return parsed instanceof Problem ? sent : parsed.value;
}

function moneyOf(sent: unknown): Fields | undefined {
  const revenue = fieldsOf(propertiesOf(sent));
  return compact({ value: numberOf(revenue?.['amount']), currency: revenue?.['currency'] });
}

/** Plausible says 202 and `ok` to everything; here a refused event says why. */
function text(status: number, body: string, dropped?: string): Reply {
  const headers = { 'content-type': 'text/plain; charset=utf-8' };
  return { status, headers: dropped === undefined ? headers : { ...headers, 'x-plausible-dropped': dropped }, body };
}

export const plausible: Protocol = {
  name: 'plausible',
  routes: [
    {
      method: 'POST',
      paths: ['/api/event'],
      map: mapPlausible,
      answer: (results) => {
        const [rejected] = rejectedOf(results);
        return rejected === undefined ? text(202, 'ok') : text(400, describeRejection(rejected), '1');
      },
    },
  ],
};
