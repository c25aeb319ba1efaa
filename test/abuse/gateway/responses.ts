/** An answer as it came over a raw connection. */
export interface RawResponse {
  readonly statusLine: string;
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

/** Reads answers from bytes as they come; `method` of the request whose answer is next, since HEAD has no body. */
export function createResponseReader(
  onResponse: (response: RawResponse) => void,
  nextMethod: () => string | undefined,
) {
  let pending: Buffer = Buffer.alloc(0);
  let isOver = false;

  const readOne = (): boolean => {
    const end = pending.indexOf('\r\n\r\n');
    if (end === -1) return false;
    const [statusLine = '', ...lines] = pending.toString('latin1', 0, end).split('\r\n');
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(statusLine)?.[1] ?? Number.NaN);
    const headers = new Map(
      lines.map((line) => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
      }),
    );
    const isHead = nextMethod() === 'HEAD';
    const isBodiless = isHead || status < 200 || status === 204 || status === 304;
    const length = isBodiless ? 0 : Number(headers.get('content-length') ?? 0);
    const start = end + 4;
    if (pending.length < start + length) return false;
    const body = Buffer.from(pending.subarray(start, start + length));
    pending = pending.subarray(start + length);
    // Of a head that cannot be read nobody knows that it is one of HEAD: its refusal has a body, and is the last answer.
    isOver = isHead && headers.get('connection') === 'close';
    // An interim answer is none yet.
    if (status !== 100) onResponse({ statusLine, status, headers, body });
    return pending.length > 0 && !isOver;
  };

  return {
    push(bytes: Buffer): void {
      if (isOver) return;
      pending = pending.length === 0 ? bytes : Buffer.concat([pending, bytes]);
      while (readOne());
    },
  };
}

const JSON_TYPES = /^application\/(?:problem\+)?json\b/;

/** What is wrong with an answer, if anything: every one has a status that is meant and a body of its own kind. */
export function faultOf(
  { statusLine, status, headers, body }: RawResponse,
  method: string | undefined,
): string | undefined {
  if (!(status >= 200 && status < 600)) return `status line ${statusLine.slice(0, 300)}`;
  if (status === 500) return `status 500: ${body.toString()}`;
  if (headers.has('transfer-encoding')) return 'an answer in chunks';
  const type = headers.get('content-type');
  if (status === 204 || status === 304 || method === 'HEAD') return undefined;
  if (type === undefined) return `status ${status} without a content type`;
  if (JSON_TYPES.test(type)) {
    try {
      const parsed: unknown = JSON.parse(body.toString());
      const { code } = (parsed ?? {}) as { code?: unknown };
      if (type.includes('problem') && !/^PS_[A-Z0-9_]+$/.test(String(code))) return `a problem without code: ${body}`;
    } catch {
      return `this is no JSON: ${body.toString('latin1', 0, 200)}`;
    }
  } else if (type.startsWith('image/gif') && body.toString('latin1', 0, 6) !== 'GIF89a') return 'this is no picture';
  if (status >= 400 && body.length === 0) return `status ${status} that says nothing`;
  return undefined;
}
