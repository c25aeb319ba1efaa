import { z } from 'zod';
import { jsonOf, type Operation, problemOf, textOf } from '../shared/openapi.js';

const NOT_GUARDED: Operation['security'] = [];
const done = { description: 'Done.' };
/** Of what takes a body. */
const refusedBodies: Operation['responses'] = {
  400: problemOf('The body is not JSON.'),
  413: problemOf('The body is too large.'),
  415: problemOf('The body is neither JSON nor text.'),
};

export const readStream = (): Operation => ({
  operationId: 'readLiveStream',
  summary: 'The live figures as they change, as server-sent events',
  description:
    'Each message is named after its kind: `snapshot`, all of `GET /api/live`; `update`, what changed of it (null: no more); ' +
    '`trouble`, while they cannot be read. Who comes back with the id of the last message that it applied gets what changed since.',
  parameters: [
    {
      name: 'Last-Event-ID',
      in: 'header',
      description: 'The id of the last message applied.',
      schema: { type: 'string' },
    },
    {
      name: 'lastEventId',
      in: 'query',
      description: 'The same, where headers cannot be set.',
      schema: { type: 'string' },
    },
  ],
  responses: { 200: textOf('Until the client goes.', 'text/event-stream'), 503: problemOf('There are 5,000 viewers.') },
});

export const readIntake = (): Operation => ({
  operationId: 'readIntake',
  summary: 'Where events are sent, and with which key',
  responses: {
    200: jsonOf(
      'Null where `penstock start` did not start it.',
      z.object({ intake: z.object({ url: z.string(), writeKey: z.string() }).nullable() }),
    ),
  },
});

export const readSession = (): Operation => ({
  operationId: 'readSession',
  summary: 'Whether the admin token is needed, and whether this client has shown it',
  security: NOT_GUARDED,
  responses: { 200: jsonOf('Both.', z.object({ required: z.boolean(), admitted: z.boolean() })) },
});

export const openSession = (): Operation => ({
  operationId: 'openSession',
  summary: 'Gives a cookie for the admin token',
  security: NOT_GUARDED,
  requestBody: {
    required: true,
    content: {
      'application/json': {
        schema: { type: 'object', properties: { token: { type: 'string' } }, required: ['token'] },
      },
    },
  },
  responses: { 204: done, ...refusedBodies, 401: problemOf('It is another token.') },
});

export const closeSession = (): Operation => ({
  operationId: 'closeSession',
  summary: 'Takes the cookie away',
  security: NOT_GUARDED,
  responses: { 204: done, ...refusedBodies },
});

export const readLiveness = (): Operation => ({
  operationId: 'readLiveness',
  summary: 'The process answers',
  security: NOT_GUARDED,
  responses: { 200: jsonOf('It does.', z.object({ status: z.literal('live') })) },
});

const readiness = z.object({
  status: z.enum(['ready', 'unavailable']),
  parts: z.object({ liveFigures: z.enum(['ready', 'unavailable']) }),
});

export const readReadiness = (): Operation => ({
  operationId: 'readReadiness',
  summary: 'Whether the live figures can be read',
  security: NOT_GUARDED,
  responses: { 200: jsonOf('They can.', readiness), 503: jsonOf('They cannot.', readiness) },
});

export const readMetrics = (): Operation => ({
  operationId: 'readPrometheus',
  summary: "This process and the live figures, in Prometheus' text format",
  responses: { 200: textOf('Figures that cannot be read are left out.') },
});
