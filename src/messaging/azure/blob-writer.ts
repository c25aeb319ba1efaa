import type { BlobServiceClient, BlockBlobClient } from '@azure/storage-blob';
import { toConsumeError } from '../consume-errors.js';
import { openService, type StorageAccess } from './blob-container.js';

/** Blocks of a blob, and what memory holds of it at a time. */
const BLOCK_BYTES = 4 * 1024 * 1024;

export interface BlobWriter {
  /** Writes a block blob whole or not at all, in place of one of that name, and makes the container if it is not there. */
  write(
    blob: { readonly container: string; readonly name: string },
    content: AsyncIterable<Buffer>,
    signal: AbortSignal,
  ): Promise<void>;
  has(blob: { readonly container: string; readonly name: string }, signal: AbortSignal): Promise<boolean>;
}

/** Ids of blocks are base64 and of one length. */
const blockId = (index: number) => Buffer.from(String(index).padStart(6, '0')).toString('base64');

async function upload(blob: BlockBlobClient, content: AsyncIterable<Buffer>, abortSignal: AbortSignal): Promise<void> {
  const ids: string[] = [];
  let gathered: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of content) {
    gathered.push(chunk);
    bytes += chunk.length;
    if (bytes < BLOCK_BYTES) continue;
    const id = blockId(ids.length);
    await blob.stageBlock(id, Buffer.concat(gathered), bytes, { abortSignal });
    ids.push(id);
    gathered = [];
    bytes = 0;
  }
  if (ids.length === 0) {
    await blob.upload(Buffer.concat(gathered), bytes, { abortSignal });
    return;
  }
  if (bytes > 0) {
    const id = blockId(ids.length);
    await blob.stageBlock(id, Buffer.concat(gathered), bytes, { abortSignal });
    ids.push(id);
  }
  await blob.commitBlockList(ids, { abortSignal });
}

/** The caller tries again and knows when to stop: the library's own attempts would only hold it up. */
const ONE_TRY = { retryOptions: { maxTries: 1, tryTimeoutInMs: 60_000 } };

/** Writes blobs of any size with little memory. One attempt each; throws ConsumeError. */
export function createBlobWriter(access: StorageAccess): BlobWriter {
  let service: Promise<BlobServiceClient> | undefined;
  const known = new Set<string>();
  return {
    async write({ container: containerName, name }, content, abortSignal) {
      service ??= openService(access, ONE_TRY);
      try {
        const container = (await service).getContainerClient(containerName);
        if (!known.has(containerName) && !(await container.exists({ abortSignal }))) {
          await container.createIfNotExists({ abortSignal });
        }
        known.add(containerName);
        await upload(container.getBlockBlobClient(name), content, abortSignal);
      } catch (error) {
        // The container may be gone: the next try looks again.
        known.delete(containerName);
        throw toConsumeError(error, `blob ${containerName}/${name}`);
      }
    },
    async has({ container, name }, abortSignal) {
      service ??= openService(access, ONE_TRY);
      try {
        return await (await service).getContainerClient(container).getBlobClient(name).exists({ abortSignal });
      } catch (error) {
        throw toConsumeError(error, `blob ${container}/${name}`);
      }
    },
  };
}
