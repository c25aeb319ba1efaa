import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { TestBroker } from '../../helpers/broker.js';
import { keyOf } from '../../helpers/frame-client.js';

/** Debian's own Python, for which its packages are. */
const PYTHON = '/usr/bin/python3';
/** Where `scripts/setup.mjs` unpacks the two SDKs of Azure. */
const AZURE = fileURLToPath(new URL('../../../node_modules/.cache/python-azure', import.meta.url));
const SCRIPTS = fileURLToPath(new URL('./python/', import.meta.url));

/** How each check of a script ended, by its title. */
export type ClientResults = ReadonlyMap<string, { readonly error?: string }>;

/** Runs a script of checks of another language's client against the broker. */
export async function runClient(script: string, broker: TestBroker): Promise<ClientResults> {
  if (!existsSync(PYTHON)) throw new Error(`${PYTHON} is not there: npm test installs what the tests need`);
  const { name, key } = keyOf(broker.connectionString);
  const { port, connectionString, caFile } = broker;
  const settings = JSON.stringify({ port, connectionString, caFile, keyName: name, key });
  const child = spawn(PYTHON, [`${SCRIPTS}${script}`, settings], {
    env: {
      PATH: process.env['PATH'],
      PYTHONPATH: AZURE,
      PYTHONDONTWRITEBYTECODE: '1',
      REQUESTS_CA_BUNDLE: caFile,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const results = new Map<string, { error?: string }>();
  const said: string[] = [];
  createInterface(child.stderr).on('line', (line) => said.push(line));
  for await (const line of createInterface(child.stdout)) {
    const { title, error } = JSON.parse(line) as { title: string; error?: string };
    results.set(title, error === undefined ? {} : { error });
  }
  const ended = child.exitCode ?? child.signalCode ?? (await once(child, 'exit'))[0];
  if (ended !== 0) throw new Error(`${script} ended with ${ended} after:\n${said.slice(-30).join('\n')}`);
  return results;
}
