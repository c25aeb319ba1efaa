/** What Capture needs of a blob store. The broker itself knows none: whoever starts it passes one in. */
export interface BlobWriter {
  /**
   * Writes a blob whole or not at all, in place of one of that name, and makes the container if it is not there. Takes the
   * content no faster than it is written.
   */
  write(blob: BlobAddress, content: AsyncIterable<Buffer>, signal: AbortSignal): Promise<void>;
  has(blob: BlobAddress, signal: AbortSignal): Promise<boolean>;
}

export interface BlobAddress {
  readonly container: string;
  readonly name: string;
}
