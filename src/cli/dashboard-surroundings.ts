import type { BrokerStatus } from '../broker/index.js';
import type { NewestPositions, Surroundings, SystemPart } from '../query/index.js';
import type { Config } from '../shared/config/index.js';
import { counted } from '../shared/counted.js';
import { isEmbedded } from './broker/admin-routes.js';
import { askBroker } from './broker/fetch-status.js';
import { askGateway, type GatewayPlace } from './gateway/ask.js';

const TIMEOUT_MS = 3_000;

/**
 * The gateway and the embedded broker, as far as they are known here and answer. How far a hub is the embedded broker
 * tells with its status, and any other is asked for.
 */
export async function surroundings(
  config: Config,
  gateway: GatewayPlace | undefined,
  positions: Pick<NewestPositions, 'read'> | undefined,
): Promise<Surroundings> {
  const { connectionString } = config.eventHubs;
  const embedded = connectionString !== undefined && isEmbedded(connectionString) ? connectionString : undefined;
  const [gatewayParts, broker, newest] = await Promise.all([
    gateway === undefined ? [] : partsOf(gateway),
    embedded === undefined ? undefined : brokerStatus(embedded),
    embedded === undefined ? positions?.read() : undefined,
  ]);
  if (embedded === undefined) return { parts: gatewayParts, newest: newest ?? new Map() };
  if (broker === undefined) return { parts: [...gatewayParts, away('Broker')], newest: new Map() };
  const hub = broker.hubs.find(({ name }) => name === config.eventHubs.hub);
  return {
    parts: [...gatewayParts, ...brokerParts(broker)],
    newest: new Map(hub?.partitions.map(({ id, lastSequence }) => [id, lastSequence])),
  };
}

const away = (name: string): SystemPart => ({ name, state: 'bad', text: 'does not answer' });

interface Readiness {
  readonly sinks: Readonly<Record<string, { readonly state: string; readonly spool?: { readonly records: number } }>>;
}

async function partsOf(gateway: GatewayPlace): Promise<SystemPart[]> {
  try {
    const { status, text } = await askGateway(gateway, '/readyz', TIMEOUT_MS);
    const { sinks } = JSON.parse(text) as Readiness;
    return Object.entries(sinks).map(([name, { state, spool }]) => {
      const waiting = spool?.records ?? 0;
      return {
        name: `Gateway to ${name}`,
        state: status !== 200 ? 'bad' : state === 'up' && waiting === 0 ? 'good' : 'warn',
        text: waiting === 0 ? state : `${state}, ${counted(waiting, 'record')} in the spool`,
      };
    });
  } catch {
    return [away('Gateway')];
  }
}

async function brokerStatus(connectionString: string): Promise<BrokerStatus | undefined> {
  try {
    const { status, text } = await askBroker({ connectionString, ca: undefined }, '/status', TIMEOUT_MS);
    return status === 200 ? (JSON.parse(text) as BrokerStatus) : undefined;
  } catch {
    return undefined;
  }
}

/** The embedded broker, by what it says of itself. */
export function brokerParts({ queues, topics, connections, memoryBytes, isDiskLow }: BrokerStatus): SystemPart[] {
  const holders = [...queues, ...topics.flatMap(({ subscriptions }) => subscriptions)];
  const dead = holders.reduce((sum, { counts }) => sum + counts.deadLetter, 0);
  return [
    isDiskLow
      ? { name: 'Broker', state: 'bad', text: 'takes nothing that is sent: its disk is nearly full' }
      : {
          name: 'Broker',
          state: 'good',
          text: `${counted(connections, 'connection')}, ${Math.round(memoryBytes / 2 ** 20)} MB`,
        },
    { name: 'Dead letters', state: dead === 0 ? 'good' : 'warn', text: dead === 0 ? 'none' : String(dead) },
  ];
}
