import {
  type EventContext,
  MAX_USER_AGENT_LENGTH,
  type NormalisedEvent,
  Rejection,
  reject,
  truncateIp,
} from '../../events/index.js';
import type { Enricher } from '../enrich/enricher.js';
import {
  type ConsentVerdict,
  judgeConsent,
  judgeSignals,
  type PrivacyAction,
  stricter,
  stripIdentity,
} from '../policy/consent.js';
import type { DailyVisitor } from '../policy/daily-visitor.js';
import type { Client } from './client.js';
import { Dropped } from './dropped.js';
import type { Source, WriteKey } from './source.js';

export interface JudgeDeps {
  readonly enricher: Enricher;
  readonly eraseList: { has(id: string): boolean } | undefined;
  readonly dailyVisitor: DailyVisitor;
}

/** The request that carries an event, and what it gives to it. */
interface Visit {
  readonly client: Client;
  /** What `contextOf` has made of the client. */
  readonly context: EventContext;
  readonly nowMs: number;
}

/** Opens the judgement of the events of one request. */
export type Judge = (visit: Visit) => JudgeEvent;

/** What becomes of a sound event by the policy of its source, before it is written down anywhere. `raw`: as it was sent. */
export type JudgeEvent = (event: NormalisedEvent, raw: unknown) => Judgement;

type Judgement = NormalisedEvent | Rejection | Dropped;

/** One step of a policy. `own` is what the event itself says of its client: a server that forwards speaks for others. */
type Step = (event: NormalisedEvent, own: OwnClient, visit: Visit) => Judgement;

interface OwnClient {
  readonly ip?: unknown;
  readonly userAgent?: unknown;
  readonly country?: unknown;
}

/** The steps that a source asks for, in the order in which they run. Undefined when it asks for none. */
export function createJudge(source: Source, key: WriteKey | undefined, deps: JudgeDeps): Judge | undefined {
  const isServer = key?.kind === 'server';
  const steps = [
    refuseTypes(source, key),
    findBots(source, isServer, deps),
    dropErased(deps),
    nameVisitors(source, isServer, deps),
    heedConsent(source, isServer),
    nameCountries(source, deps),
    forgetAddresses(source),
  ].filter((step) => step !== undefined);
  if (steps.length === 0) return undefined;
  return (visit) => (event, raw) => {
    const own = ownClientOf(raw);
    let judged: Judgement = event;
    for (const step of steps) {
      judged = step(judged, own, visit);
      if (judged instanceof Dropped || judged instanceof Rejection) return judged;
    }
    return judged;
  };
}

const NO_CLIENT: OwnClient = {};

function ownClientOf(raw: unknown): OwnClient {
  const { context } = raw as { context?: OwnClient | null };
  return context ?? NO_CLIENT;
}

/** What only a server knows: anybody could send it with a key that stands in a page. */
const SERVER_ONLY: ReadonlySet<string> = new Set(['refund', 'churn_scored', 'offer_made']);

function refuseTypes(source: Source, key: WriteKey | undefined): Step | undefined {
  const isBrowser = key?.kind === 'browser';
  const lists = [source.types, key?.types].filter((list) => list !== undefined).map((list) => new Set(list));
  if (!isBrowser && lists.length === 0) return undefined;
  const refused = reject('type_not_allowed', '/type');
  return (event) => {
    if (isBrowser && SERVER_ONLY.has(event.type)) return refused;
    return lists.every((list) => list.has(event.type)) ? event : refused;
  };
}

function findBots(source: Source, isServer: boolean, { enricher }: JudgeDeps): Step | undefined {
  const mode = source.bots ?? 'keep';
  if (mode === 'keep') return undefined;
  const dropped = new Dropped('bot');
  return (event, own, { client, context }) => {
    const userAgent = agentOf(own, isServer ? undefined : client);
    if (userAgent === undefined || !enricher.isBot(userAgent)) return event;
    return mode === 'drop' ? dropped : { ...event, context: { ...(event.context ?? context), bot: true } };
  };
}

function dropErased({ eraseList }: JudgeDeps): Step | undefined {
  if (eraseList === undefined) return undefined;
  const dropped = new Dropped('erased');
  return (event) => (namesIn(event).some((id) => typeof id === 'string' && eraseList.has(id)) ? dropped : event);
}

/** Whom an event is about: an `alias` says by another name who it is, as Segment's, PostHog's and Mixpanel's do. */
function namesIn({ type, userId, anonymousId, properties }: NormalisedEvent): readonly unknown[] {
  if (type !== 'alias') return [userId, anonymousId];
  return [userId, anonymousId, properties?.['previous_id'], properties?.['alias']];
}

function heedConsent({ privacy }: Source, isServer: boolean): Step | undefined {
  if (privacy === undefined) return undefined;
  const { gpc, dnt, consent } = privacy;
  if (!isDemanding(gpc) && !isDemanding(dnt) && consent === undefined) return undefined;
  const except = new Set(privacy.except);
  return (event, _own, { client, context }) => {
    if (except.has(event.type)) return event;
    const agreed = judgeConsent(event.consent, consent);
    const verdict: ConsentVerdict = isServer ? agreed : stricter(judgeSignals(client.signals, privacy), agreed);
    switch (verdict.action) {
      case 'keep':
        return event;
      case 'strip':
        return { ...stripIdentity(event), context: withoutIp(event.context ?? context) };
      case 'drop':
        return new Dropped(verdict.because ?? 'consent');
    }
  };
}

const isDemanding = (action: PrivacyAction | undefined) => action !== undefined && action !== 'keep';

function nameVisitors({ name, privacy }: Source, isServer: boolean, { dailyVisitor }: JudgeDeps): Step | undefined {
  if (privacy?.visitorId !== 'daily') return undefined;
  return (event, own, { client, nowMs }) => {
    // What a browser had stored is not used, even if it was sent.
    const nameless = { ...event, anonymousId: undefined, sessionId: undefined };
    const address = typeof own.ip === 'string' ? own.ip : isServer ? undefined : client.address;
    if (address === undefined) return nameless;
    const userAgent = agentOf(own, isServer ? undefined : client) ?? '';
    return { ...nameless, anonymousId: dailyVisitor.idOf(name, { address, userAgent }, nowMs) };
  };
}

/** Of addresses that events bring of their own; that of the request has its country already. */
function nameCountries(source: Source, { enricher }: JudgeDeps): Step | undefined {
  if (source.country !== true) return undefined;
  return (event, own) => {
    if (event.context === undefined || typeof own.ip !== 'string' || typeof own.country === 'string') return event;
    const { country: _ofTheRequest, ...context } = event.context;
    const country = enricher.countryOf(truncateIp(own.ip) ?? '');
    return { ...event, context: country === undefined ? context : { ...context, country } };
  };
}

function forgetAddresses({ privacy }: Source): Step | undefined {
  if (privacy?.ip !== 'none') return undefined;
  return (event) => (event.context?.ip === undefined ? event : { ...event, context: withoutIp(event.context) });
}

function withoutIp({ ip: _, ...context }: EventContext): EventContext {
  return context;
}

function agentOf(own: OwnClient, client: Client | undefined): string | undefined {
  const { userAgent } = own;
  return typeof userAgent === 'string' ? userAgent.slice(0, MAX_USER_AGENT_LENGTH) : client?.userAgent;
}
