import type { PenstockEvent } from '../../../src/events/index.js';
import { createGatewayRig } from '../rig.js';
import { readRecorded } from './recorded.js';

/** Replays recorded requests of a protocol to a fresh gateway. */
export function createReplay(protocol: string) {
  const recorded = readRecorded(protocol);
  return async (names: readonly string[], options: Parameters<typeof createGatewayRig>[0] = {}) => {
    const rig = await createGatewayRig(options);
    const answers: { status: number; body: string; json: () => unknown; headers: Record<string, unknown> }[] = [];
    for (const name of names) {
      const response = await rig.app.inject(recorded(name));
      const { statusCode: status, body, headers } = response;
      answers.push({ status, body, json: () => response.json<unknown>(), headers });
    }
    const orders = rig.brokers.state.messages.map((message) => JSON.parse(message.body) as PenstockEvent);
    return { answers, clicks: rig.brokers.hubEvents(), orders };
  };
}
