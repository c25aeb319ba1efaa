import type { IncomingMessage } from 'node:http';
import { AdminError, badRequest } from './errors.js';

/** The largest description, a rule with all its properties, is far smaller. */
const MAX_BODY_BYTES = 256 * 1024;

const tooLarge = () => new AdminError('PS_ADMIN_TOO_LARGE', `The body has more than ${MAX_BODY_BYTES} bytes.`);

/**
 * Reads a body of UTF-8 text. How long it may take is the port's business.
 * @throws AdminError PS_ADMIN_TOO_LARGE, PS_ADMIN_BAD_REQUEST
 */
export async function readBody(request: IncomingMessage): Promise<string> {
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) throw tooLarge();
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  // A stream that is left early would be destroyed, and the socket with it, before the answer is sent.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    sizeBytes += (chunk as Buffer).length;
    if (sizeBytes > MAX_BODY_BYTES) throw tooLarge();
    chunks.push(chunk as Buffer);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch {
    throw badRequest('The body is not UTF-8.');
  }
}
