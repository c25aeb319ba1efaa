import { ClassicLevel } from 'classic-level';
import { unseal } from './checksums.js';

const ROWS_AT_ONCE = 256;

/**
 * Reads every value of a database that nobody has open, and answers how many are not what was written; with `remove` they are
 * gone. LevelDB merges a damaged block into a new table without noticing, where only the checksum of the value tells.
 */
export async function sweepValues(location: string, { remove }: { readonly remove: boolean }): Promise<number> {
  const db = new ClassicLevel<Buffer, Buffer>(location, { keyEncoding: 'buffer', valueEncoding: 'buffer' });
  await db.open();
  let unsound = 0;
  try {
    const rows = db.iterator();
    for (;;) {
      const chunk = await rows.nextv(ROWS_AT_ONCE);
      if (chunk.length === 0) break;
      const wrong = chunk.filter(([key, value]) => unseal(key, value) === undefined);
      unsound += wrong.length;
      if (remove && wrong.length > 0) {
        await db.batch(
          wrong.map(([key]) => ({ type: 'del', key })),
          { sync: true },
        );
      }
    }
    await rows.close();
  } finally {
    await db.close();
  }
  return unsound;
}
