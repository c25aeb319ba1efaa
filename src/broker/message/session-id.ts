import { decodeList } from './decode.js';
import { idText, PROPERTY } from './incoming.js';
import { findSection, SECTION, scanSections } from './scan.js';
import { storedBare } from './stored-message.js';

/** The session of a stored message: its group id (AMQP 1.0 part 3, section 3.2.4). */
export function storedSessionId(record: Buffer): string | undefined {
  const bare = storedBare(record);
  const section = findSection(scanSections(bare), SECTION.properties);
  return section && idText(decodeList(bare, section.valueStart)[PROPERTY.groupId]);
}
