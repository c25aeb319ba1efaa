import type { BlobStore, WriteResult } from '../../messaging/index.js';
import { messageOf } from '../../shared/errors.js';
import type { Logger } from '../../shared/logger.js';
import { AggregatorError, fencedError } from '../errors.js';
import type { SavedState } from './saved.js';

/**
 * The saved states of the partitions, one blob each, and the word of who may write them. The owner's epoch is in the
 * blob's metadata and rises with each claim, on the condition that the blob is as it was read: of two claims at once one
 * reads again, and who had the partition before can write no more, since every write names the version that it follows.
 */
export interface StateStore {
  /**
   * Makes the caller the owner of a partition.
   * @throws AggregatorError PS_SNAPSHOT_VERSION when the state is of a newer version: then nothing is claimed.
   */
  claim(partitionId: string): Promise<OwnedState>;
}

export interface OwnedState {
  readonly epoch: number;
  /** As of the claim; undefined when nothing readable was saved. */
  readonly saved: SavedState | undefined;
  /** Of the hub that the saved state is of; undefined where nobody knows. */
  readonly savedHubCreatedAtMs: number | undefined;
  /**
   * Saves a state of the hub that was made at this time.
   * @throws AggregatorError PS_PARTITION_FENCED when there is a later owner.
   */
  save(state: SavedState, hubCreatedAtMs?: number): Promise<void>;
  /**
   * Nothing is saved any more, and from now on it is the state of this hub: so that who comes next knows what was shown
   * of another one, also when nothing was saved of this one.
   */
  startAnew(hubCreatedAtMs?: number): Promise<void>;
  /** Claims once more, with an epoch above `known`: for a sink that knows higher ones, of a store that is gone. */
  raiseAbove(known: number): Promise<void>;
}

interface SnapshotCodec {
  encode(state: SavedState): Promise<Buffer>;
  decode(bytes: Buffer): Promise<SavedState>;
}

export interface StateStoreDeps {
  readonly blobs: BlobStore;
  readonly codec: SnapshotCodec;
  readonly logger: Logger;
}

const EPOCH = 'ownerepoch';
const SEQUENCE_NUMBER = 'sequencenumber';
const HUB_CREATED_AT = 'hubcreatedat';
const NOTHING = Buffer.alloc(0);

const epochOf = (metadata: Readonly<Record<string, string>> | undefined) => Number(metadata?.[EPOCH] ?? 0);

/** A change of what the state means takes a new one; the figures are then made anew from what the hub retains. */
const STATE_GENERATION = 'g8';

/** @param prefix `<namespace>/<hub>/<group>`: in its folder each partition has a blob. */
export function createStateStore({ blobs, codec, logger }: StateStoreDeps, prefix: string): StateStore {
  const folder = `${prefix}/state/${STATE_GENERATION}`.toLowerCase();
  const decode = async (partitionId: string, bytes: Buffer): Promise<SavedState | undefined> => {
    // Claimed, and nothing saved since.
    if (bytes.length === 0) return undefined;
    try {
      return await codec.decode(bytes);
    } catch (error) {
      if (!(error instanceof AggregatorError) || error.code !== 'PS_SNAPSHOT_UNREADABLE') throw error;
      logger.warn({ partitionId, code: error.code, err: messageOf(error) }, 'counting anew what the hub retains');
      return undefined;
    }
  };
  return {
    async claim(partitionId) {
      const name = `${folder}/${partitionId}`;
      for (;;) {
        const blob = await blobs.read(name);
        const saved = blob === undefined ? undefined : await decode(partitionId, blob.bytes);
        const epoch = epochOf(blob?.metadata) + 1;
        const metadata = { ...blob?.metadata, [EPOCH]: String(epoch) };
        const result =
          blob === undefined
            ? await blobs.write(name, NOTHING, { metadata, ifVersion: undefined })
            : await blobs.setMetadata(name, metadata, blob.version);
        if (!('version' in result)) continue;
        const savedHubCreatedAtMs = hubOf(blob?.metadata);
        const claimed = { epoch, saved, version: result.version, savedHubCreatedAtMs };
        return ownedState({ blobs, codec }, name, claimed);
      }
    },
  };
}

function ownedState(
  { blobs, codec }: Omit<StateStoreDeps, 'logger'>,
  name: string,
  claimed: Pick<OwnedState, 'epoch' | 'saved' | 'savedHubCreatedAtMs'> & { readonly version: string },
): OwnedState {
  let { epoch } = claimed;
  let version: string | undefined = claimed.version;
  let metadata = noteOf(claimed.saved, claimed.savedHubCreatedAtMs);

  /** Repeats a write whose condition failed for another reason than a later owner: its own answer was lost, say. */
  const write = async (attempt: (ifVersion: string | undefined) => Promise<WriteResult>) => {
    for (;;) {
      const result = await attempt(version);
      if ('version' in result) {
        version = result.version;
        return;
      }
      const stored = epochOf(result.conflict?.metadata);
      if (stored > epoch) throw fencedError(name, { epoch, by: stored });
      version = result.conflict?.version;
    }
  };
  const replace = async (bytes: Buffer, next: Record<string, string>) => {
    await write((ifVersion) => blobs.write(name, bytes, { metadata: { ...next, [EPOCH]: String(epoch) }, ifVersion }));
    metadata = next;
  };
  return {
    get epoch() {
      return epoch;
    },
    saved: claimed.saved,
    savedHubCreatedAtMs: claimed.savedHubCreatedAtMs,
    save: async (state, hubCreatedAtMs) => replace(await codec.encode(state), noteOf(state, hubCreatedAtMs)),
    startAnew: (hubCreatedAtMs) => replace(NOTHING, noteOf(undefined, hubCreatedAtMs)),
    async raiseAbove(known) {
      const raised = Math.max(known, epoch) + 1;
      const withEpoch = { ...metadata, [EPOCH]: String(raised) };
      await write((ifVersion) =>
        ifVersion === undefined
          ? blobs.write(name, NOTHING, { metadata: withEpoch, ifVersion })
          : blobs.setMetadata(name, withEpoch, ifVersion),
      );
      epoch = raised;
    },
  };
}

const noteOf = (state: SavedState | undefined, hubCreatedAtMs: number | undefined): Record<string, string> => ({
  ...(state === undefined ? {} : { [SEQUENCE_NUMBER]: String(state.position.sequenceNumber) }),
  ...(hubCreatedAtMs === undefined ? {} : { [HUB_CREATED_AT]: String(hubCreatedAtMs) }),
});

function hubOf(metadata: Readonly<Record<string, string>> | undefined): number | undefined {
  const text = metadata?.[HUB_CREATED_AT];
  return text === undefined ? undefined : Number(text);
}
