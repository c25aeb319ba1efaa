/** How many records the gateway at `url` holds on its own disk, for all its destinations. */
export async function spooledRecords(url: string): Promise<number> {
  const { sinks } = (await (await fetch(`${url}/readyz`)).json()) as {
    sinks: Record<string, { spool: { records: number } }>;
  };
  return Object.values(sinks).reduce((records, { spool }) => records + spool.records, 0);
}
