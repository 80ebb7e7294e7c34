// Where a stream begins: its handshake tells, else the first data and acknowledgments that were captured.

import { sequenceDistance } from './sequence.ts';
import { largestWindowBytes } from './tcp.ts';

/** The network changes the order within a window; a capture that begins in the middle looks back so far. */
export const reorderBytes = 65_536;

/** The start of one stream, and how sure it is. */
export class StreamStart {
  /** What stands before it was told already, of the same stream, before that was shed. */
  notBefore: number | undefined;
  #from: 'handshake' | 'midstream' | undefined;
  #sequence = 0;
  #isOpen = false;
  #isGuess = false;

  /** What told it; undefined while nothing did. */
  get from(): 'handshake' | 'midstream' | undefined {
    return this.#from;
  }

  get isPlaced(): boolean {
    return this.#from !== undefined;
  }

  /** Sequence number of the first byte. */
  get sequence(): number {
    return this.#sequence;
  }

  /** Whether bytes before it may still come. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** No bytes before it are waited for any longer. */
  close(): void {
    this.#isOpen = false;
  }

  /** Whether a SYN of the sender, which puts the first byte here, can be of this stream. */
  acceptsHandshake(sequence: number, isUntouched: boolean): boolean {
    if (!this.isPlaced || this.#sequence === sequence) return true;
    // Data came before its SYN, or the answer to a SYN with data (RFC 7413) before that SYN.
    if (!this.#isOpen && !(this.#isGuess && isUntouched)) return false;
    const before = sequenceDistance(sequence, this.#sequence);
    return before > 0 && before <= reorderBytes;
  }

  /** Whether a SYN+ACK of the other side with this acknowledgment can answer the SYN of this stream. */
  acceptsAnswer(acknowledgment: number): boolean {
    return !this.isPlaced || Math.abs(sequenceDistance(this.#sequence, acknowledgment)) <= reorderBytes;
  }

  /**
   * A handshake puts the first byte here: the sender's SYN, or, as a guess, the acknowledgment in the answer to it. False
   * where something better is known. `ackedTo` is what the other side has acknowledged.
   */
  placeByHandshake(sequence: number, isGuess: boolean, isUntouched: boolean, ackedTo: number | undefined): boolean {
    if (this.isPlaced) {
      // Of several SYNs the acknowledged one counts: others with SYN cookies may come all the same, and late.
      const isAgreed = !this.#isGuess && ackedTo === this.#sequence;
      const isBetter = this.#isOpen
        ? sequenceDistance(sequence, this.#sequence) >= 0
        : isUntouched && !isGuess && !isAgreed;
      if (!isBetter) return false;
    }
    this.#place(sequence, 'handshake');
    this.#isGuess = isGuess;
    return true;
  }

  /** No handshake was seen: the stream begins at its first data, or where the other side's acknowledgments stand. */
  placeMidstream(sequence: number, length: number, ackedTo: number | undefined, waits: boolean): void {
    const isAckKnown = ackedTo !== undefined && !this.#wasTold(ackedTo);
    const unacked = isAckKnown ? sequenceDistance(ackedTo, sequence) : undefined;
    // What was not acknowledged before this data may still come; one byte that was acknowledged is a keep-alive probe.
    const isAtAcked =
      unacked !== undefined && ((unacked >= 0 && unacked <= reorderBytes) || (unacked === -1 && length === 1));
    const start = isAtAcked && ackedTo !== undefined ? ackedTo : sequence;
    this.#place(this.notBefore !== undefined && this.#wasTold(start) ? this.notBefore : start, 'midstream');
    this.#isOpen = waits && (unacked === undefined || unacked > reorderBytes);
  }

  /** Earlier data came while the start was open: true where the stream begins there from now on. */
  lower(sequence: number): boolean {
    const before = sequenceDistance(sequence, this.#sequence);
    if (!this.#isOpen || before <= 0 || before > reorderBytes || this.#wasTold(sequence)) return false;
    this.#sequence = sequence;
    return true;
  }

  /** Far behind it are later bytes: the numbers went round. */
  #wasTold(sequence: number): boolean {
    if (this.notBefore === undefined) return false;
    const behind = sequenceDistance(sequence, this.notBefore);
    return behind > 0 && behind <= largestWindowBytes;
  }

  #place(sequence: number, from: 'handshake' | 'midstream'): void {
    this.#from = from;
    this.#sequence = sequence;
    this.#isOpen = false;
  }
}
