import type { Counted, PeerAnswers, Peers } from '../../gateway/index.js';
import type { Clock } from '../../shared/clock.js';
import type { FromWorker, Question, ToWorker } from './messages.js';

/** The channel to the process that started this one. */
export interface Channel {
  send(message: FromWorker): void;
  onMessage(listener: (message: ToWorker) => void): void;
}

/** Longer than the others are given to answer. */
const TIMEOUT_MS = 3_000;

/** What a worker knows of the others: it asks the process that started them all, and answers when that asks. */
export function createPeers({ send, onMessage }: Channel, clock: Pick<Clock, 'setTimer'>): Peers {
  const waiting = new Map<number, (answers: readonly unknown[]) => void>();
  /** By question: whoever asks the same meanwhile gets the same answers, so that many requests are no more work than one. */
  const asking = new Map<string, Promise<readonly unknown[]>>();
  let own: PeerAnswers | undefined;
  let listener: (counts: readonly Counted[]) => void = () => {};
  let nextId = 0;

  onMessage((message) => {
    if (message.type === 'asked') {
      const { id } = message;
      void answerOf(own, message).then((answer) => send({ type: 'answer', id, answer }));
    } else if (message.type === 'answers')
      waiting.get(message.id)?.(message.answers.map((answer) => answer ?? undefined));
    else if (message.type === 'counted') listener(message.counts);
  });

  const ask = ({ question, about }: Question) =>
    new Promise<readonly unknown[]>((resolve) => {
      const id = nextId++;
      const finish = (answers: readonly unknown[]) => {
        cancel();
        waiting.delete(id);
        resolve(answers);
      };
      const cancel = clock.setTimer(() => finish([undefined]), TIMEOUT_MS);
      waiting.set(id, finish);
      send({ type: 'ask', id, question, about });
    });

  return {
    answerWith(answers) {
      own = answers;
    },
    ask<Q extends keyof PeerAnswers>(question: Q, about?: string) {
      const key = JSON.stringify([question, about]);
      const asked = asking.get(key) ?? ask({ question, about }).finally(() => asking.delete(key));
      asking.set(key, asked);
      return asked as Promise<readonly (Awaited<ReturnType<PeerAnswers[Q]>> | undefined)[]>;
    },
    tellOthers: (counts) => send({ type: 'counted', counts }),
    onTold(tell) {
      listener = tell;
    },
  };
}

async function answerOf(own: PeerAnswers | undefined, { question, about = '' }: Question): Promise<unknown> {
  try {
    return question === 'where' ? own?.where(about) : await own?.[question]();
  } catch {
    return undefined;
  }
}
