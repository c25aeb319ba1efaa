import { textOf } from './fields.js';
import { type EventsRoute, jsonReply, type Protocol, type Reply, type RequestHead } from './protocol.js';
import { segmentEvents } from './segment.js';

/**
 * What RudderStack's browser SDK asks for beside Segment's paths, which its events take: its source, without which it
 * sends nothing, and its path for beacons, which carry no headers.
 */
const beacon: EventsRoute = { ...segmentEvents, paths: ['/beacon/v1/batch'] };

/** A source without destinations, and with nothing that the SDK would report about itself. */
function sourceConfig({ query }: RequestHead): Reply {
  const writeKey = textOf(query['writeKey']) ?? '';
  return jsonReply({
    source: {
      id: writeKey,
      name: 'penstock',
      writeKey,
      workspaceId: '',
      enabled: true,
      config: { statsCollection: { errors: { enabled: false }, metrics: { enabled: false } } },
      destinations: [],
      dataplanes: {},
    },
    updatedAt: '1970-01-01T00:00:00.000Z',
  });
}

export const rudderStack: Protocol = {
  name: 'rudderstack',
  routes: [beacon, { method: 'GET', paths: ['/sourceConfig', '/sourceConfig/'], page: sourceConfig }],
};
