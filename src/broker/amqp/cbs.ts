import rhea from 'rhea';
import type { Grants } from './grants.js';
import { type NodeRequest, type Reply, textProperty } from './requests.js';

const status = (code: number) => rhea.types.wrap_int(code);

/**
 * Claims-based security (AMQP CBS 1.0, draft): `put-token` with a shared access signature for an audience. The services
 * answer 202.
 */
export function answerCbs(grants: Grants, request: NodeRequest): Reply {
  const operation = textProperty(request, 'operation');
  const audience = textProperty(request, 'name');
  if (operation !== 'put-token' || audience === undefined || typeof request.body !== 'string') {
    return failure(400, 'amqp:not-allowed', 'A put-token request with a name and a token is expected.');
  }
  const outcome = grants.putToken(audience, request.body);
  if (outcome.kind === 'refused') return failure(outcome.status, outcome.condition, outcome.description);
  return { properties: { 'status-code': status(202), 'status-description': 'Accepted' } };
}

const failure = (code: number, condition: string, description: string): Reply => ({
  properties: {
    'status-code': status(code),
    'status-description': description,
    'error-condition': rhea.types.wrap_symbol(condition),
  },
});
