/** The names of LevelDB's files (db/filename.cc). */
export const logName = (number: number): string => `${String(number).padStart(6, '0')}.log`;
export const tableName = (number: number): string => `${String(number).padStart(6, '0')}.ldb`;
export const LOG = /^(\d{6,})\.log$/;
export const TABLE = /^(\d{6,})\.ldb$/;
export const MANIFEST = /^MANIFEST-(\d{6,})$/;
