import type { BlobStore, PartitionPosition } from '../ports/consume.js';

export interface CheckpointWriter {
  /** Leaves what a later owner, or the same one at a later position, has written. */
  write(partitionId: string, position: PartitionPosition, ownerEpoch: number): Promise<void>;
}

const EPOCH = 'ownerepoch';
const NOTHING = Buffer.alloc(0);

/**
 * Writes checkpoints as the official SDKs' blob checkpoint store has them (an empty blob with `sequencenumber` and
 * `offset` in its metadata), and by a condition that the SDK's own lacks: a process that was stopped for longer than
 * its lease and goes on cannot take a checkpoint back.
 *
 * @param folder `<namespace>/<hub>/<group>/checkpoint`, in lower case
 */
export function createCheckpointWriter(blobs: BlobStore, folder: string): CheckpointWriter {
  /** Versions as this process wrote them. */
  const versions = new Map<string, string>();
  return {
    async write(partitionId, { sequenceNumber, offset }, ownerEpoch) {
      const name = `${folder}/${partitionId}`;
      const metadata = { sequencenumber: String(sequenceNumber), offset, [EPOCH]: String(ownerEpoch) };
      let version = versions.get(partitionId);
      for (;;) {
        const result =
          version === undefined
            ? await blobs.write(name, NOTHING, { metadata, ifVersion: undefined })
            : await blobs.setMetadata(name, metadata, version);
        if ('version' in result) {
          versions.set(partitionId, result.version);
          return;
        }
        const stored = result.conflict?.metadata;
        const storedEpoch = Number(stored?.[EPOCH] ?? 0);
        const storedNumber = Number(stored?.['sequencenumber'] ?? -1);
        if (storedEpoch > ownerEpoch || (storedEpoch === ownerEpoch && storedNumber >= sequenceNumber)) return;
        version = result.conflict?.version;
      }
    },
  };
}
