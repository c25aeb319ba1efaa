import { PROBLEM_CONTENT_TYPE, Problem } from '../problem.js';
import { amplitudeBatch } from './amplitude.js';
import { fieldsOf } from './fields.js';
import { type JsonMapper, unwrapJson, type WrappedJson } from './form.js';
import { mixpanelTrack } from './mixpanel.js';
import { openPanelTrack } from './openpanel.js';
import { postHogBatch } from './posthog.js';
import type { EventsRoute, Protocol, RequestHead } from './protocol.js';

/**
 * Paths that two protocols have in common. Which of them is spoken is decided by what each of their bodies must have and
 * the other never has, and, for a body that is no JSON at all, by the headers.
 */

type Speaker = Pick<EventsRoute, 'answer' | 'refuse'> & { readonly map: JsonMapper };

function sharedRoute(
  paths: readonly string[],
  speakerOf: (request: RequestHead, json: WrappedJson | undefined) => Speaker,
): EventsRoute {
  /** Who spoke in the requests that wait for their answers. */
  const speakers = new WeakMap<RequestHead, Speaker>();
  const of = (request: RequestHead) => speakers.get(request) ?? speakerOf(request, undefined);
  return {
    method: 'POST',
    paths,
    map: (request, body) => {
      const json = unwrapJson(request, body);
      if (json instanceof Problem) return json;
      const speaker = speakerOf(request, json);
      speakers.set(request, speaker);
      return speaker.map(request, json);
    },
    answer: (results, request) => of(request).answer(results, request),
    refuse: (problem, request) => (of(request).refuse ?? refuseInDetail)(problem, request),
  };
}

function refuseInDetail(problem: Problem) {
  return { status: problem.status, headers: { 'content-type': PROBLEM_CONTENT_TYPE }, body: problem.toJson() };
}

/** Amplitude sends `events`; PostHog `batch`, or one event. */
const batch = sharedRoute(['/batch', '/batch/'], (_request, json) =>
  fieldsOf(json?.value)?.['events'] === undefined ? postHogBatch : amplitudeBatch,
);

/** OpenPanel sends `type` and `payload`, and names its client in a header; Mixpanel events with their properties. */
const track = sharedRoute(['/track', '/track/'], ({ headers }, json) => {
  const isOpenPanel =
    json === undefined
      ? headers['openpanel-client-id'] !== undefined
      : fieldsOf(fieldsOf(json.value)?.['payload']) !== undefined;
  return isOpenPanel ? openPanelTrack : mixpanelTrack;
});

/** With credentials, since Mixpanel's browser library sends so. */
export const sharedPaths: Protocol = { name: 'shared-paths', withCredentials: true, routes: [batch, track] };
