import type { OtherCounters } from './policy/shared-counts.js';
import type { Readiness } from './readiness.js';
import type { Whereabouts } from './where.js';

/** What each process of a gateway can be asked. Answers travel as JSON. */
export interface PeerAnswers {
  /** Prometheus' metrics, as its library gives them to another process. */
  readonly metrics: () => Promise<unknown>;
  readonly ready: () => Readiness;
  readonly where: (id: string) => Whereabouts;
}

/** The processes of one gateway on one port, each of which answers for all. */
export interface Peers extends OtherCounters {
  /** How this process answers when it is asked, by itself too. */
  answerWith(answers: PeerAnswers): void;
  /** The answers of all processes; undefined of one that should be there and is not, or takes too long. Never rejects. */
  ask<Question extends keyof PeerAnswers>(
    question: Question,
    about?: string,
  ): Promise<readonly (Awaited<ReturnType<PeerAnswers[Question]>> | undefined)[]>;
}
