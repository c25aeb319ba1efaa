import type { ContainerClient } from '@azure/storage-blob';
import { ConsumeError, toConsumeError } from '../consume-errors.js';
import type { BlobReader } from '../ports/blobs.js';
import { openService, type StorageAccess } from './blob-container.js';

/** For a command that somebody waits for: what passes by itself passes within seconds. */
const RETRIES = { retryOptions: { maxTries: 4, retryDelayInMs: 500, maxRetryDelayInMs: 4_000 } };
/** How often a download whose connection breaks is taken up where it was. */
const RESUMES = 5;
const NOT_FOUND = 404;

/** Reads a container that is there already: who only reads makes none. */
export function createBlobReader(access: StorageAccess, containerName: string): BlobReader {
  let opened: Promise<ContainerClient> | undefined;
  const container = () => {
    opened ??= openService(access, RETRIES).then((service) => service.getContainerClient(containerName));
    return opened;
  };
  const failure = (error: unknown, what: string, hint = '') => {
    const missing = (error as { statusCode?: unknown } | null)?.statusCode === NOT_FOUND;
    if (missing) return new ConsumeError('PS_CONSUME_REFUSED', `${what} is not there${hint}`, { cause: error });
    return toConsumeError(error, what);
  };
  return {
    async *list(prefix) {
      try {
        for await (const { name } of (await container()).listBlobsFlat({ prefix })) yield name;
      } catch (error) {
        throw failure(error, `blob container ${containerName}`, ': who writes to it makes it with the first file');
      }
    },
    async *read(name) {
      const aborted = new AbortController();
      try {
        const blob = (await container()).getBlobClient(name);
        const answer = await blob.download(0, undefined, {
          abortSignal: aborted.signal,
          maxRetryRequests: RESUMES,
        });
        for await (const chunk of answer.readableStreamBody ?? []) yield chunk as Buffer;
      } catch (error) {
        throw failure(error, `blob ${containerName}/${name}`);
      } finally {
        // Of a reader that has enough the rest does not come.
        aborted.abort();
      }
    },
  };
}
