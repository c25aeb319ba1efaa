import { findBrokerDamage, repairBroker } from '../../broker/index.js';
import { systemClock } from '../../shared/clock.js';
import { loadConfig } from '../../shared/config/index.js';
import { confirm } from './confirm.js';

export interface RepairFlags {
  readonly dataDir?: string;
  readonly yes?: true;
}

const write = (line: string) => void process.stdout.write(`${line}\n`);

export async function runRepair(flags: RepairFlags): Promise<void> {
  const { dataDir } = loadConfig({ flags: { dataDir: flags.dataDir } });
  const damage = await findBrokerDamage(dataDir);
  if (damage.length === 0) {
    write('nothing is damaged');
    return;
  }
  for (const { file, what } of damage) write(`${file} ${what}`);
  if (!flags.yes) await confirm('Go on without what cannot be read?', 'nothing was changed');
  const { losses, keptIn } = await repairBroker(dataDir, systemClock);
  for (const { file, what } of losses) write(`mended: ${file} ${what}`);
  write(`the broker can be started; the files as they were are in ${keptIn}`);
}
