/** The folder of a partition as the log needs it; a disk in memory stands in for it where crashes are tried out. */
export interface LogDisk {
  /** The folders that are there. */
  folders(): Promise<readonly string[]>;
  /** Files of a folder with their sizes; none when there is no such folder. */
  list(folder: string): Promise<readonly { readonly name: string; readonly bytes: number }[]>;
  /** Up to `bytes` bytes from `position` on; fewer where the file ends. */
  read(folder: string, name: string, position: number, bytes: number): Promise<Buffer>;
  /** Writes a small file at once, not durably. */
  write(folder: string, name: string, contents: Buffer): Promise<void>;
  /** Makes a file, and the folder where it is missing; both are durable when it resolves. Replaces one of that name. */
  create(folder: string, name: string): Promise<LogFile>;
  /** Opens a file to append to it, cut to its first `bytes` bytes. */
  open(folder: string, name: string, bytes: number): Promise<LogFile>;
  /** Removes files that may be missing. */
  remove(folder: string, names: readonly string[]): Promise<void>;
  /** Durable when it resolves. */
  removeFolder(folder: string): Promise<void>;
}

export interface LogFile {
  /** Resolves when the bytes are on disk. After a failure the file has to be cut or opened again. */
  append(slices: readonly Buffer[]): Promise<void>;
  cut(bytes: number): Promise<void>;
  close(): Promise<void>;
}
