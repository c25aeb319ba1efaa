import { connect, type Socket } from 'node:net';
import type { BrokenExchange } from './broken.js';
import type { HostileRequest } from './requests.js';
import { createResponseReader, faultOf } from './responses.js';

/** What came of the hostile requests, all together. */
export interface Findings {
  readonly statuses: Map<number, number>;
  readonly violations: string[];
  answered: number;
  /** Whoever answers may be stopped or killed: then there is no answer, or half of one. */
  readonly mayBreak: boolean;
}

export const createFindings = ({ mayBreak = false } = {}): Findings => ({
  ...{ statuses: new Map(), violations: [], answered: 0, mayBreak },
});

const MAX_VIOLATIONS = 50;
/** Longer than the gateway gives a request to arrive, and than a machine that is busy takes to answer one. */
const PATIENCE_MS = 30_000;

function report({ violations }: Findings, text: string): void {
  if (violations.length < MAX_VIOLATIONS) violations.push(text);
}

/** One connection at a time, over which requests are sent one after the other, some of them without waiting. */
export class Lane {
  readonly #port: number;
  readonly #findings: Findings;
  #socket: Socket | undefined;
  #waiting: HostileRequest[] = [];
  /** The one before those that wait. */
  #before: HostileRequest | undefined;
  #wake: () => void = () => {};

  constructor(port: number, findings: Findings) {
    this.#port = port;
    this.#findings = findings;
  }

  /** Resolves when all of them are answered, or the connection is gone. */
  async send(requests: readonly HostileRequest[]): Promise<void> {
    const socket = this.#socket ?? this.#open();
    this.#waiting = [...requests];
    const settled = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    const timer = setTimeout(() => {
      const answered = requests.length - this.#waiting.length;
      const [before, unanswered] = [requests[answered - 1] ?? this.#before, this.#waiting[0]];
      if (!this.#findings.mayBreak) report(this.#findings, `no answer: ${unanswered?.what}\nafter: ${before?.what}`);
      socket.destroy();
    }, PATIENCE_MS);
    for (const { bytes } of requests) socket.write(bytes);
    await settled;
    clearTimeout(timer);
    this.#before = requests.at(-1);
  }

  close(): void {
    this.#socket?.destroy();
  }

  #open(): Socket {
    const socket = connect(this.#port, '127.0.0.1');
    let isClosing = false;
    let last: HostileRequest | undefined;
    const reader = createResponseReader(
      (response) => {
        const request = this.#waiting.shift();
        const answeredBefore = last;
        last = request ?? last;
        const { statuses } = this.#findings;
        statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
        this.#findings.answered++;
        const fault = request === undefined ? 'an answer that nobody asked for' : faultOf(response, request.method);
        if (fault !== undefined) report(this.#findings, `${fault}: ${request?.what}\nafter: ${answeredBefore?.what}`);
        isClosing ||= response.headers.get('connection') === 'close';
        if (this.#waiting.length === 0 && !isClosing) this.#wake();
      },
      () => this.#waiting[0]?.method,
    );
    socket.on('data', (bytes) => reader.push(bytes));
    let failure = 'the gateway';
    socket.on('error', (error: NodeJS.ErrnoException) => {
      failure = String(error.code);
    });
    socket.on('close', () => {
      this.#socket = undefined;
      // What was sent behind a request that closes the connection is not answered, and may be sent elsewhere.
      const [next] = this.#waiting;
      if (next !== undefined && !isClosing && !next.mayBreak && !this.#findings.mayBreak)
        report(this.#findings, `closed by ${failure}: ${next.what}\nafter: ${this.#before?.what}`);
      this.#waiting = [];
      this.#wake();
    });
    this.#socket = socket;
    return socket;
  }
}

/** Sends what is no HTTP over a connection of its own, and waits for it to be closed. */
export function exchange(port: number, { what, parts, finish }: BrokenExchange, findings: Findings): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    const timer = setTimeout(() => {
      if (!findings.mayBreak) report(findings, `kept open: ${what}`);
      socket.destroy();
    }, PATIENCE_MS);
    const reader = createResponseReader(
      (response) => {
        findings.statuses.set(response.status, (findings.statuses.get(response.status) ?? 0) + 1);
        const fault = faultOf(response, undefined);
        if (fault !== undefined) report(findings, `${fault}: ${what}`);
      },
      () => undefined,
    );
    socket.on('data', (bytes) => reader.push(bytes));
    socket.on('error', () => {});
    socket.on('end', () => socket.end());
    socket.on('close', () => {
      clearTimeout(timer);
      findings.answered++;
      resolve();
    });
    const send = (index: number) => {
      const part = parts[index];
      if (part !== undefined) socket.write(part, () => setImmediate(send, index + 1));
      else if (finish === 'half-close') socket.end();
      else if (finish === 'destroy') socket.destroy();
    };
    send(0);
  });
}
