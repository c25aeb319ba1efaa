import { PenstockError } from '../shared/errors.js';

/**
 * PS_ARCHIVE_DAMAGED: a file of Capture is cut off or changed; what is whole of it was read. PS_ARCHIVE_UNSUPPORTED: a
 * file is of another form than Capture writes. PS_ARCHIVE_EMPTY: there is no file of this hub. PS_ARCHIVE_MIXED: files
 * of two hubs of one name are mixed. PS_ARCHIVE_FORMAT: names of that format do not tell partition and time.
 */
export type ArchiveErrorCode =
  | 'PS_ARCHIVE_DAMAGED'
  | 'PS_ARCHIVE_UNSUPPORTED'
  | 'PS_ARCHIVE_EMPTY'
  | 'PS_ARCHIVE_MIXED'
  | 'PS_ARCHIVE_FORMAT';

export class ArchiveError extends PenstockError<ArchiveErrorCode> {
  override readonly name = 'ArchiveError';
}
