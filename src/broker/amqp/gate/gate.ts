import { readPerformative } from './performatives.js';
import { createProtocolRules, type ProtocolRules } from './rules.js';
import { answerInit, type CheckKey, mechanismsFrame } from './sasl.js';
import { decodeError, framingError, ProtocolViolation, SessionViolation } from './violation.js';

const HEADER_BYTES = 8;
const AMQP_HEADER = Buffer.from('AMQP\x00\x01\x00\x00', 'latin1');
const SASL_HEADER = Buffer.from('AMQP\x03\x01\x00\x00', 'latin1');
/** The specification says 512 (section 5.3.1); keys and traces of clients may be longer. */
const MAX_SASL_FRAME_BYTES = 4096;
const TYPE = { amqp: 0, sasl: 1 } as const;

export interface GateOptions {
  /** Largest frame that is taken now; it may grow when the peer has shown who it is. */
  readonly maxFrameBytes: () => number;
  readonly checkKey: CheckKey;
}

/** What the gate does with what comes in. */
export interface GateOutput {
  /** Bytes for the peer, from the gate itself. */
  toPeer(bytes: Buffer): void;
  /** Whole frames that are sound, or the protocol header. */
  toAmqp(bytes: Buffer): void;
  /** The peer has shown an access key (SASL PLAIN). */
  onKey(name: string): void;
  /** The peer was refused at the door: nothing more is read of it. */
  onRefused(reason: string): void;
  /** The peer broke the protocol in one session, which has to end: nothing of its channel counts until the peer's end. */
  onSessionViolation(channel: number, violation: SessionViolation): void;
  /** The peer broke the protocol after the header of AMQP, so that it can be told. */
  onViolation(violation: ProtocolViolation): void;
}

export interface Gate {
  input(chunk: Buffer): void;
}

/**
 * Stands before the AMQP implementation and lets through only whole frames of bounded size whose structure is sound and
 * whose order the protocol allows. It also speaks SASL. After a violation or a refusal nothing more passes.
 */
export function createGate(options: GateOptions, output: GateOutput): Gate {
  let stage: 'header' | 'sasl' | 'amqp-header' | 'amqp' | 'shut' = 'header';
  let chunks: Buffer[] = [];
  let bytes = 0;
  /** As many have to be there before it is worth to look again. */
  let wanted = HEADER_BYTES;
  const rules = createProtocolRules();

  function takeHeader(header: Buffer): void {
    if (stage === 'header' && header.equals(SASL_HEADER)) {
      stage = 'sasl';
      output.toPeer(Buffer.concat([SASL_HEADER, mechanismsFrame()]));
      return;
    }
    if (!header.equals(AMQP_HEADER)) {
      // Section 2.2: whoever speaks another version is told which one is spoken here.
      stage = 'shut';
      output.toPeer(SASL_HEADER);
      output.onRefused('another protocol or version');
      return;
    }
    stage = 'amqp';
    output.toAmqp(header);
  }

  function takeSasl(frame: Buffer): void {
    checkHead(frame, TYPE.sasl);
    const result = answerInit(frame, options.checkKey);
    output.toPeer(result.answer);
    stage = result.kind === 'ok' ? 'amqp-header' : 'shut';
    if (result.kind === 'refused') output.onRefused(result.reason);
    else if (result.key !== undefined) output.onKey(result.key);
  }

  function takeHello(unit: Buffer): undefined {
    if (stage === 'sasl') takeSasl(unit);
    else takeHeader(unit);
  }

  /** What breaks a session alone comes back, as what came before the frame has to be handed over first. */
  function takeFrame(frame: Buffer): SessionViolation | undefined {
    try {
      checkFrame(frame, rules);
    } catch (error) {
      if (error instanceof SessionViolation) return error;
      throw error;
    }
    // Whatever follows a close is not looked at.
    if (rules.closed) stage = 'shut';
    return undefined;
  }

  /** Size of the unit that begins at `at`; undefined while that cannot be told. */
  function unitBytes(data: Buffer, at: number): number | undefined {
    if (stage === 'header' || stage === 'amqp-header') return HEADER_BYTES;
    if (data.length - at < 4) return undefined;
    const size = data.readUInt32BE(at);
    const most = stage === 'sasl' ? MAX_SASL_FRAME_BYTES : options.maxFrameBytes();
    if (size < HEADER_BYTES) throw framingError('a frame is smaller than its own head');
    if (size > most) throw framingError(`a frame is larger than ${most} bytes`);
    return size;
  }

  /** Takes what is whole; answers where the rest begins. Frames that follow each other are handed over together. */
  function take(data: Buffer): number {
    let at = 0;
    let passed = 0;
    const handOver = () => {
      if (at > passed) output.toAmqp(data.subarray(passed, at));
      passed = at;
    };
    try {
      while (stage !== 'shut' && at < data.length) {
        const size = unitBytes(data, at);
        wanted = size ?? 4;
        if (data.length - at < wanted) break;
        const unit = data.subarray(at, at + wanted);
        const inAmqp = stage === 'amqp';
        const violation = inAmqp ? takeFrame(unit) : takeHello(unit);
        if (violation) {
          handOver();
          output.onSessionViolation(channelOf(unit), violation);
        }
        at += unit.length;
        wanted = 1;
        if (!inAmqp || violation) passed = at;
      }
    } finally {
      handOver();
    }
    return at;
  }

  return {
    input(chunk) {
      if (stage === 'shut') return;
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes < wanted) return;
      const data = chunks.length === 1 ? chunk : Buffer.concat(chunks, bytes);
      try {
        const rest = data.subarray(take(data));
        chunks = rest.length > 0 ? [rest] : [];
        bytes = rest.length;
      } catch (error) {
        const speaksAmqp = stage === 'amqp';
        stage = 'shut';
        chunks = [];
        if (!(error instanceof ProtocolViolation)) throw error;
        if (speaksAmqp) output.onViolation(error);
        else output.onRefused(error.message);
      }
    },
  };
}

/** The eight bytes before a frame's body (section 2.3.1): size, doff in words of four bytes, type, channel. */
function checkHead(frame: Buffer, type: number): number {
  const bodyAt = frame.readUInt8(4) * 4;
  if (bodyAt < HEADER_BYTES || bodyAt > frame.length) throw framingError('the data offset of a frame is wrong');
  if (frame[5] !== type) throw framingError(`frames of type ${frame[5]} are not expected here`);
  return bodyAt;
}

const channelOf = (frame: Buffer): number => frame.readUInt16BE(6);

function checkFrame(frame: Buffer, rules: ProtocolRules): void {
  const bodyAt = checkHead(frame, TYPE.amqp);
  // An empty frame keeps the connection alive (section 2.4.5).
  if (bodyAt === frame.length) return;
  const performative = readPerformative(frame, bodyAt);
  if (performative.name !== 'transfer' && performative.end !== frame.length) {
    throw decodeError(`${performative.name} has a payload`);
  }
  rules.check(channelOf(frame), performative);
}
