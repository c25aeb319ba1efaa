import type { BlobServiceClient, ContainerClient, StoragePipelineOptions } from '@azure/storage-blob';
import { messageOf } from '../../shared/errors.js';
import { toConsumeError } from '../consume-errors.js';
import type { BlobStore, WriteResult } from '../ports/consume.js';
import { defaultCredential } from './access.js';
import { createInTime, defaultInTimeOptions, type InTimeOptions } from './in-time.js';

/** How the storage account is reached. */
export type StorageAccess =
  | { readonly connectionString: string }
  /** Blob endpoint, such as `https://shop.blob.core.windows.net`; with the identity that Azure gives this process. */
  | { readonly account: string };

/** The library takes a while to load, and a role that keeps nothing in blobs does without. */
export async function openService(
  access: StorageAccess,
  options: StoragePipelineOptions = {},
): Promise<BlobServiceClient> {
  const { BlobServiceClient } = await import('@azure/storage-blob');
  return 'connectionString' in access
    ? BlobServiceClient.fromConnectionString(access.connectionString, options)
    : new BlobServiceClient(access.account, await defaultCredential(), options);
}

/** The container, made if it is not there. */
export async function openContainer(access: StorageAccess, name: string): Promise<ContainerClient> {
  try {
    const container = (await openService(access)).getContainerClient(name);
    if (!(await container.exists())) await container.createIfNotExists();
    return container;
  } catch (error) {
    throw toConsumeError(error, `blob container ${name}`);
  }
}

const NOT_FOUND = 404;
const NO_CONTAINER = 'ContainerNotFound';
const CONTAINER_LEAVES = 'ContainerBeingDeleted';
/** The condition of a write did not hold; for a write that must be the first, there is a blob; for others, there is none. */
const CONFLICTS = [404, 409, 412];

/**
 * Makes the container that somebody removed while it was in use, as a start does: what was in it is gone, but whoever has
 * a newer state writes that there. Returns false where it is there already, and where it cannot be made (yet: Azure takes
 * half a minute to remove one).
 */
export async function makeContainer(container: Pick<ContainerClient, 'createIfNotExists'>): Promise<boolean> {
  return container.createIfNotExists().then(
    ({ succeeded }) => succeeded,
    () => false,
  );
}

/** What the storage account's clock says. */
export async function storageTime(container: ContainerClient): Promise<number> {
  const { date } = await container.getProperties();
  if (date === undefined) throw toConsumeError(new Error('it does not tell its time'), 'storage account');
  return date.getTime();
}

/** Small files as block blobs. All methods throw ConsumeError. */
export function createBlobStore(container: ContainerClient, options: InTimeOptions = defaultInTimeOptions): BlobStore {
  const inTime = createInTime(options);
  const factsOf = async (name: string) => {
    try {
      const blob = container.getBlockBlobClient(name);
      const { etag, metadata } = await inTime((abortSignal) => blob.getProperties({ abortSignal }));
      return { version: etag ?? '', metadata: metadata ?? {} };
    } catch (error) {
      if (statusOf(error) === NOT_FOUND) return undefined;
      throw toConsumeError(error, `blob ${name}`);
    }
  };
  const conditionally = async (
    name: string,
    write: (abortSignal: AbortSignal) => Promise<{ etag?: string }>,
  ): Promise<WriteResult> => {
    try {
      const { etag } = await inTime(write);
      return { version: etag ?? '' };
    } catch (error) {
      if (codeOf(error) === NO_CONTAINER && (await makeContainer(container))) return conditionally(name, write);
      if (isConflict(error)) return { conflict: await factsOf(name) };
      throw toConsumeError(error, `blob ${name}`);
    }
  };
  return {
    async read(name) {
      try {
        return await inTime(async (abortSignal) => {
          const answer = await container.getBlockBlobClient(name).download(0, undefined, { abortSignal });
          const bytes = await bytesOf(answer.readableStreamBody ?? []);
          return { bytes, metadata: answer.metadata ?? {}, version: answer.etag ?? '' };
        });
      } catch (error) {
        if (statusOf(error) === NOT_FOUND) return undefined;
        throw toConsumeError(error, `blob ${name}`);
      }
    },
    write(name, bytes, { metadata, ifVersion }) {
      const conditions = ifVersion === undefined ? { ifNoneMatch: '*' } : { ifMatch: ifVersion };
      const blob = container.getBlockBlobClient(name);
      return conditionally(name, (abortSignal) =>
        blob.upload(bytes, bytes.length, { metadata: { ...metadata }, conditions, abortSignal }),
      );
    },
    setMetadata(name, metadata, ifVersion) {
      const blob = container.getBlockBlobClient(name);
      const conditions = { ifMatch: ifVersion };
      return conditionally(name, (abortSignal) => blob.setMetadata({ ...metadata }, { conditions, abortSignal }));
    },
  };
}

/** The SDK says no more of an answer that ends before its end than that it was aborted. */
async function bytesOf(body: AsyncIterable<unknown> | Iterable<unknown>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of body) chunks.push(Buffer.from(chunk as Buffer));
  } catch (cause) {
    throw new Error(`it is there, but what is in it cannot be read: ${messageOf(cause)}`, { cause });
  }
  return Buffer.concat(chunks);
}

/** Without its container no blob can be written however often it is tried. */
function isConflict(error: unknown): boolean {
  const [status, code] = [statusOf(error), codeOf(error)];
  return status !== undefined && CONFLICTS.includes(status) && code !== NO_CONTAINER && code !== CONTAINER_LEAVES;
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown } | null)?.code;
}

function statusOf(error: unknown): number | undefined {
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  return typeof status === 'number' ? status : undefined;
}
