import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { BrokerReady } from '../../src/broker/index.js';
import type { CaptureDefinition } from '../../src/broker/topology/index.js';
import { bundleProgram } from './bundle.js';

export interface BrokerProcess extends BrokerReady {
  readonly child: ChildProcess;
  /** Ends it at once, with nothing written any more. */
  kill(): Promise<void>;
  /** Asks it to stop, and answers its exit code. */
  stop(): Promise<number | null>;
}

/** Where the hubs of a broker process are captured to, and how. */
export interface CapturedHubs {
  /** Connection string of the storage account. */
  readonly storage: string;
  readonly capture: CaptureDefinition;
}

/** Starts a broker with the test topology as a process of its own. */
export async function startBrokerProcess(
  dataDir: string,
  port = 0,
  captured?: CapturedHubs,
  maxFileKilobytes?: number,
): Promise<BrokerProcess> {
  const main = captured ? 'capturing-broker-main.ts' : 'broker-main.ts';
  const bundle = await bundleProgram(`test/helpers/${main}`);
  const more = captured ? [JSON.stringify(captured)] : [];
  const command = [process.execPath, '--enable-source-maps', bundle, dataDir, String(port), ...more];
  // A file that may grow no further is to a process what a full disk is.
  const limited =
    maxFileKilobytes === undefined
      ? command
      : ['bash', '-c', `ulimit -f ${maxFileKilobytes}; exec "$@"`, 'limited', ...command];
  const child = spawn(limited[0] as string, limited.slice(1), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const exited = once(child, 'exit');
  const ready = await Promise.race([
    once(child, 'message').then(([message]) => message as BrokerReady),
    exited.then(([code]) => Promise.reject(new Error(`the broker ended with code ${code}`))),
  ]);
  return {
    ...ready,
    child,
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
    async stop() {
      child.kill('SIGTERM');
      const [code] = (await exited) as [number | null];
      return code;
    },
  };
}
