import type { LateEvent } from '../../shared/late-events.js';
import type { Observation, PaneMetric } from '../metrics/define.js';
import type { SessionMetric } from '../metrics/define-session.js';
import { concernedBy, type LateEvents, lateEvent, latenessStep } from './late.js';
import { totalNames } from './total-names.js';
import type { Visit } from './visitors.js';

export type LatePlace = Pick<LateEvent, 'sequenceNumber' | 'index' | 'behindMs'>;

/** What becomes of an event that came too late: it is counted for each metric that would have counted it, and kept. */
export interface LateCounting {
  /** Too late for all. */
  countForAll(observation: Observation, at: LatePlace): void;
  /** Too late for these, which wait less long than the others. */
  countFor(missed: readonly PaneMetric[], observation: Observation, at: LatePlace): void;
}

/** What a metric is shown for a late event, so that it counts whatever it would have counted. */
const LATE_VISIT: Visit = Object.freeze({
  firstInPane: true,
  newest: true,
  previousNewestMs: -1,
  newestOfDevice: true,
  previousNewestOfDeviceMs: -1,
});

export function createLateCounting(
  metrics: readonly (PaneMetric | SessionMetric)[],
  events: Pick<LateEvents, 'add'>,
  addTotal: (name: string) => void,
): LateCounting {
  const countEach = (missed: typeof metrics, observation: Observation) => {
    const concerned = concernedBy(observation, missed);
    for (const { name } of concerned) addTotal(`${totalNames.late}:${name}`);
    return concerned;
  };
  return {
    countForAll(observation, at) {
      addTotal(totalNames.late);
      addTotal(`${totalNames.lateBy}:${latenessStep(at.behindMs)}`);
      observation.visit = observation.visitor === undefined ? undefined : LATE_VISIT;
      events.add(lateEvent(observation, countEach(metrics, observation), at));
    },
    countFor(missed, observation, at) {
      const concerned = countEach(missed, observation);
      if (concerned.length > 0) events.add(lateEvent(observation, concerned, at));
    },
  };
}
