import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

interface Answer {
  readonly value?: unknown;
  readonly error?: { readonly code: string; readonly statusCode: number; readonly message: string };
}

/** Runs calls of the real client one after the other. */
export interface AdministrationClient {
  call(method: string, ...args: unknown[]): Promise<Answer>;
  close(): void;
}

/**
 * The unmodified ServiceBusAdministrationClient in a process of its own, which trusts the authority in `caFile` beside
 * the public ones.
 */
export function startAdministrationClient(connectionString: string, caFile?: string): AdministrationClient {
  const script = fileURLToPath(new URL('./client.mjs', import.meta.url));
  const child = spawn(process.execPath, [script, connectionString], {
    env: { ...process.env, ...(caFile === undefined ? {} : { NODE_EXTRA_CA_CERTS: caFile }) },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async call(method, ...args) {
      child.stdin.write(`${JSON.stringify({ method, args })}\n`);
      const { value } = await lines.next();
      return JSON.parse(value as string) as Answer;
    },
    close: () => void child.kill(),
  };
}
