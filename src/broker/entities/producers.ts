/** What is known of one idempotent producer of a partition. */
interface Producer {
  readonly epoch: number;
  /** Of the newest event that was taken from it. */
  readonly lastSequence: number;
}

/** What a producer says of itself when it attaches; what it leaves out is chosen for it. */
export interface ProducerClaim {
  readonly id: number | undefined;
  readonly epoch: number | undefined;
  readonly sequence: number | undefined;
}

export interface AttachedProducer {
  readonly id: number;
  readonly epoch: number;
  readonly sequence: number;
}

export interface NumberedEvents {
  readonly first: number;
  readonly count: number;
}

export type Admission =
  /** The first `skip` events were taken before. */
  | { readonly kind: 'append'; readonly skip: number }
  | { readonly kind: 'duplicate' }
  | { readonly kind: 'out-of-order'; readonly expected: number }
  | { readonly kind: 'stolen'; readonly epoch: number };

/** Producers that are remembered for a partition; beyond it the one that was silent longest is forgotten. */
const MAX_PRODUCERS = 256;
/** Sequence numbers are ints that begin again at 0. */
const SEQUENCES = 2 ** 31;

const after = (sequence: number, count: number) => (sequence + count) % SEQUENCES;
/** How many numbers `sequence` is ahead of `of`; negative when it is behind. */
function ahead(sequence: number, of: number): number {
  const difference = (((sequence - of) % SEQUENCES) + SEQUENCES) % SEQUENCES;
  return difference < SEQUENCES / 2 ? difference : difference - SEQUENCES;
}

type Row = readonly [id: number, epoch: number, lastSequence: number];

/**
 * The idempotent producers of one partition: who may send, and which of their events were taken before. Pure; `encode` is
 * what has to become durable together with the events that were admitted.
 */
export function createProducers(note: Buffer | undefined) {
  let producers = decode(note);

  function set(id: number, producer: Producer): void {
    // The order of a map is that of insertion: what was used last stands last.
    producers.delete(id);
    producers.set(id, producer);
    if (producers.size > MAX_PRODUCERS) producers.delete(producers.keys().next().value as number);
  }

  return {
    /**
     * Lets a producer attach. The epoch says who of two with the same id is the newer one. With the same epoch it is the
     * same producer that comes back, and it goes on from its own count: what it sends again is recognised.
     */
    attach(claim: ProducerClaim, newId: () => number): AttachedProducer | { readonly stolenBy: number } {
      const id = claim.id ?? newId();
      const known = producers.get(id);
      const epoch = claim.epoch ?? (known === undefined ? 0 : known.epoch + 1);
      if (known !== undefined && epoch < known.epoch) return { stolenBy: known.epoch };
      const sequence = claim.sequence ?? known?.lastSequence ?? 0;
      if (known?.epoch !== epoch) set(id, { epoch, lastSequence: sequence });
      return { id, epoch, sequence };
    },

    /** Takes events of an attached producer, and counts them as taken. */
    admit({ id, epoch, sequence }: AttachedProducer, { first, count }: NumberedEvents): Admission {
      const known = producers.get(id) ?? { epoch, lastSequence: sequence };
      if (known.epoch > epoch) return { kind: 'stolen', epoch: known.epoch };
      const expected = after(known.lastSequence, 1);
      const gap = ahead(first, expected);
      if (gap > 0) return { kind: 'out-of-order', expected };
      const skip = 0 - gap;
      if (skip >= count) return { kind: 'duplicate' };
      set(id, { epoch, lastSequence: after(first, count - 1) });
      return { kind: 'append', skip };
    },

    encode(): Buffer {
      const rows = [...producers].map(([id, { epoch, lastSequence }]): Row => [id, epoch, lastSequence]);
      return Buffer.from(JSON.stringify({ producers: rows }), 'utf8');
    },

    /** Goes back to what is durable: the events that were admitted since are lost. */
    restore(durable: Buffer | undefined): void {
      producers = decode(durable);
    },
  };
}

function decode(note: Buffer | undefined): Map<number, Producer> {
  if (note === undefined) return new Map();
  const { producers } = JSON.parse(note.toString('utf8')) as { producers: readonly Row[] };
  return new Map(producers.map(([id, epoch, lastSequence]) => [id, { epoch, lastSequence }]));
}
