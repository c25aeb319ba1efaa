import { Validator } from '@seriousme/openapi-schema-validator';
import { expect, test } from 'vitest';
import { z } from 'zod';
import {
  createApiDescription,
  jsonOf,
  type Operation,
  pathParameter,
  problemOf,
  queryOf,
} from '../../src/shared/openapi.js';

const info = {
  title: 'A title',
  description: 'What it is.',
  security: [{ key: [] }],
  securitySchemes: { key: { type: 'http', scheme: 'bearer' } },
};

const query = z.strictObject({
  from: z.iso.datetime({ offset: true }).transform(Date.parse).describe('The first.'),
  step: z.string().regex(/^\d+$/).transform(Number).pipe(z.int().min(1)).default(1),
});

const operation: Operation = {
  operationId: 'readThing',
  summary: 'A thing',
  parameters: [pathParameter('name', 'Its name.'), ...queryOf(query)],
  responses: { 200: jsonOf('It.', z.object({ size: z.int(), note: z.string().optional() })), 404: problemOf('None.') },
};

test('what routes say of themselves is an OpenAPI document, in which only those are that say something', async () => {
  const { add, json } = createApiDescription(info);
  add({ method: ['GET', 'HEAD'], url: '/things/:name', config: { operation: () => operation } });
  add({
    method: 'DELETE',
    url: '/things/:name',
    config: { operation: () => ({ ...operation, operationId: 'deleteThing' }) },
  });
  add({ method: 'GET', url: '/page', config: {} });
  const described = JSON.parse(json()) as { readonly paths: object };
  expect(await new Validator().validate(described)).toEqual({ valid: true });
  expect(Object.entries(described.paths).map(([path, methods]) => [path, Object.keys(methods)])).toEqual([
    ['/things/{name}', ['get', 'delete']],
  ]);
});

test('the parameters of a query are described as what is sent, not as what is made of it', () => {
  const [from, step] = queryOf(query);
  expect(from).toMatchObject({ name: 'from', in: 'query', required: true, description: 'The first.' });
  expect(from?.schema).toMatchObject({ type: 'string', format: 'date-time' });
  expect(step).toMatchObject({ name: 'step', required: false, schema: { type: 'string' } });
});
