/** A segment is named by the number of its first event, so that the numbers go on when all events are gone. */
const DIGITS = 16;
const SEGMENT = /^(\d{16})\.events$/;
const INDEX = /^(\d{16})\.index$/;

export const segmentName = (base: number): string => `${String(base).padStart(DIGITS, '0')}.events`;
export const indexName = (base: number): string => `${String(base).padStart(DIGITS, '0')}.index`;

const baseBy = (pattern: RegExp) => (name: string) => {
  const base = pattern.exec(name)?.[1];
  return base === undefined ? undefined : Number(base);
};

export const baseOfName = baseBy(SEGMENT);
export const baseOfIndex = baseBy(INDEX);

/** The folder of a partition, by the number under which its hub's record names it. */
export const folderName = (id: number): string => String(id).padStart(8, '0');

export const idOfFolder = (name: string): number | undefined => (/^\d{8}$/.test(name) ? Number(name) : undefined);
