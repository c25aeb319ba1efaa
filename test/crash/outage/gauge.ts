import { residentBytesOf } from '../../helpers/resident.js';

/** The gateway, seen from outside, at one moment. */
export interface Sample {
  readonly atMs: number;
  readonly residentBytes: number;
  /** Of the hub. */
  readonly spoolRecords: number;
  readonly spoolBytes: number;
  /** Event bytes in memory that wait for brokers or disk, as the gateway counts them. */
  readonly pendingBytes: number;
}

export async function sample(url: string, pid: number | undefined): Promise<Sample> {
  const [ready, metrics] = await Promise.all(
    ['readyz', 'metrics'].map(async (path) => (await fetch(`${url}/${path}`)).text()),
  );
  const { sinks } = JSON.parse(ready ?? '') as {
    sinks: Record<string, { spool: { records: number; bytes: number } }>;
  };
  const spools = Object.values(sinks).map(({ spool }) => spool);
  return {
    atMs: performance.now(),
    residentBytes: residentBytesOf(pid),
    spoolRecords: spools.reduce((sum, { records }) => sum + records, 0),
    spoolBytes: spools.reduce((sum, { bytes }) => sum + bytes, 0),
    pendingBytes: Number(/^penstock_gateway_pending_bytes (\d+)/m.exec(metrics ?? '')?.[1] ?? Number.NaN),
  };
}
