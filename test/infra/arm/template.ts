import { readFileSync } from 'node:fs';
import type { JsonObject } from '../../../src/broker/topology/json.js';
import {
  type EvaluatedResource,
  type EvaluatedTemplate,
  evaluateTemplate,
} from '../../../src/broker/topology/template/template.js';

/** A fresh copy of the template, for tests that change it. */
export function readTemplate(): JsonObject {
  return JSON.parse(readFileSync('infra/arm/main.json', 'utf8'));
}

/** Parameter sets that together reach every branch of the template. */
export const variants: readonly (readonly [string, JsonObject])[] = [
  ['defaults', {}],
  ['an identity and no shared keys', { principalId: '11111111-2222-3333-4444-555555555555', disableLocalAuth: true }],
  ['the Premium tiers', { serviceBusSku: 'Premium', eventHubsSku: 'Premium', retentionInHours: 2160 }],
  ['a fixed capacity', { eventHubsCapacity: 8, eventHubsMaxCapacity: 8 }],
  ['the longest names', { namePrefix: 'a-b-c-d-e-f', topicName: 't'.repeat(260), hubName: 'h'.repeat(256) }],
];

export function evaluate(parameters: JsonObject = {}, template: JsonObject = readTemplate()): EvaluatedTemplate {
  return evaluateTemplate(template, parameters);
}

export function ofType(resources: readonly EvaluatedResource[], type: string): readonly EvaluatedResource[] {
  return resources.filter((resource) => resource.type === type);
}

export function propertiesOf(resource: EvaluatedResource | undefined): JsonObject {
  return (resource?.body['properties'] ?? {}) as JsonObject;
}

export function idOf({ type, name }: EvaluatedResource): string {
  const [provider, ...types] = type.split('/');
  const names = name.split('/');
  const path = types.map((segment, i) => `/${segment}/${names[i]}`).join('');
  return `/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/local/providers/${provider}${path}`;
}
