#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import { messageOf, PenstockError } from '../shared/errors.js';
import { ensureOpenFiles } from './open-files.js';

/**
 * Each command is a file of its own beside this one and is loaded only when it is called, so that a role starts with
 * nothing but what it needs. Its module exports `register(command)`, which adds options and the action.
 */
const commands = [
  ['start', 'run everything on this machine'],
  ['gateway', 'run the HTTP gateway'],
  ['consume', 'run topic subscribers by name: audit, live-figures, retention-campaign'],
  ['aggregate', 'run the aggregators that keep the live figures'],
  ['dashboard', 'run the dashboard and the API of the live figures'],
  ['broker', 'run the embedded broker alone'],
  ['import', 'post a web server log or a CSV of shop events through the gateway'],
  ['simulate', 'post the events of a seeded shop with known ground truth'],
  ['replay', 'write the events that the hub retains, or that were captured, as NDJSON'],
  ['topology', 'check or print the topology of the ARM template'],
] as const;

const names: readonly string[] = commands.map(([name]) => name);

export interface CommandModule {
  register(command: Command): void;
}

async function main(argv: readonly string[]): Promise<void> {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  const program = new Command('penstock')
    .version(version, '-v, --version')
    .addOption(new Option('-V').hideHelp())
    .on('option:V', () => void program.parse(['--version'], { from: 'user' }))
    // Commands below a command (`broker peek`) have flags of the same names as the command itself.
    .enablePositionalOptions()
    .description('An event-ingestion gateway for Azure Service Bus and Event Hubs.');
  program.showHelpAfterError('(--help lists what there is)');
  const wanted = argv[2] === 'help' ? argv[3] : argv[2];
  // Asked for the help of a command that there is none of, commander gives its own, and success.
  if (wanted !== undefined && !wanted.startsWith('-') && wanted !== 'help' && !names.includes(wanted)) {
    program.error(`error: unknown command '${wanted}'; there are ${names.join(', ')}`);
  }
  for (const [name, summary] of commands) {
    const command = program.command(name).description(summary);
    if (name === wanted) {
      ensureOpenFiles();
      const module = (await import(`./${name}.js`)) as CommandModule;
      module.register(command);
    }
  }
  await program.parseAsync(argv);
}

main(process.argv).catch((error: unknown) => {
  const detail =
    error instanceof PenstockError
      ? `${error.code}: ${messageOf(error)}`
      : error instanceof Error
        ? error.stack
        : String(error);
  process.stderr.write(`penstock: ${detail}\n`);
  process.exitCode = 1;
});
