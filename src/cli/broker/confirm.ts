import { createInterface } from 'node:readline/promises';
import { BrokerCommandError } from './errors.js';

/** Asks before something goes for good; `refused` is said to who answers no. */
export async function confirm(question: string, refused: string): Promise<void> {
  if (!process.stdin.isTTY) throw new BrokerCommandError('PS_BROKER_UNCONFIRMED', `${question} say --yes`);
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await lines.question(`${question} [y/N] `).finally(() => lines.close());
  if (!/^y(?:es)?$/i.test(answer.trim())) throw new BrokerCommandError('PS_BROKER_UNCONFIRMED', refused);
}
