/** Reads blobs of any size, whoever wrote them, with little memory. All methods throw ConsumeError. */
export interface BlobReader {
  /** Names that begin with `prefix`, in their order. */
  list(prefix: string): AsyncIterable<string>;
  /** The content as it comes; a caller that has enough stops asking. */
  read(name: string): AsyncIterable<Buffer>;
}
