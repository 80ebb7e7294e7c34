// One flow of a connection, put in order (RFC 9293, section 3.10). Data in order passes without a copy; data behind a
// hole is held until the hole is filled or given up. Of bytes that come twice the first captured ones count.
// State first, handler last: a handler finds the stream consistent.

import { Acknowledged } from './acknowledged.ts';
import type { AssemblerCounters, GapReason, PayloadDrop } from './assembler-counters.ts';
import type { EndReason, StreamHandler } from './connection.ts';
import { HeldSegments, nothing } from './held-segments.ts';
import { Hole, type HoleKind } from './hole.ts';
import type { TcpLimits } from './options.ts';
import { isPlausibleReset } from './reset.ts';
import type { Segment } from './segment.ts';
import { earlierSequence, sequenceAdd, sequenceDistance } from './sequence.ts';
import { StreamOutlet } from './stream-outlet.ts';
import { StreamStart } from './stream-start.ts';
import { largestWindowBytes, tcpFlags } from './tcp.ts';

/** One direction of a connection. */
export class TcpStream {
  /** Whether it stands among the streams that wait, see WaitingStreams. */
  isTracked = false;

  readonly #limits: TcpLimits;
  readonly #counters: AssemblerCounters;
  readonly #start = new StreamStart();
  readonly #acked = new Acknowledged();
  readonly #outlet: StreamOutlet;
  #isServers = false;
  /** Whether the first data may be data that overtook its predecessor. */
  #startWaits = true;
  /** Sequence number of the next byte to deliver. */
  #next = 0;
  #held: HeldSegments | undefined;
  /** Bytes from `next` on that the capture cut off a frame, and the time of that frame. */
  #cutLength = 0;
  #cutUs = 0;
  #finAt: number | undefined;
  #hole: Hole | undefined;

  constructor(limits: TcpLimits, counters: AssemblerCounters) {
    this.#limits = limits;
    this.#counters = counters;
    this.#outlet = new StreamOutlet(counters);
  }

  get endReason(): EndReason | undefined {
    return this.#outlet.endReason;
  }

  /** Where it begins. */
  get start(): StreamStart {
    return this.#start;
  }

  get next(): number {
    return this.#next;
  }

  /** Whether it is what the server sends. */
  get isServers(): boolean {
    return this.#isServers;
  }

  /** Whether nothing but the handshake is known of it. */
  get isUntouched(): boolean {
    return this.#outlet.isEmpty && this.#held?.first === undefined && this.#cutLength === 0;
  }

  /** Whether data or a FIN waits for a hole, or a hole for a better copy of its bytes. */
  get isWaiting(): boolean {
    if (this.#outlet.endReason !== undefined) return false;
    return this.#finAt !== undefined || this.#cutLength > 0 || this.#held?.first !== undefined;
  }

  /** A SYN told the sequence number of the first byte; as a guess, the answer to a SYN. */
  startAtHandshake(sequence: number, isGuess: boolean, timestampUs: number): void {
    if (!this.#start.placeByHandshake(sequence, isGuess, this.isUntouched, this.#acked.to)) return;
    this.#next = sequence;
    this.#acked.forgetUnlessNear(this.#next);
    this.#settle(timestampUs);
  }

  /**
   * Who gets the stream, if anybody: called once, before the connection's first data is pushed. `startWaits`: whether
   * that data may be the second of the stream, where no handshake was seen.
   */
  attach(handler: StreamHandler | undefined, isServers: boolean, startWaits: boolean, timestampUs: number): void {
    this.#isServers = isServers;
    this.#startWaits = startWaits;
    this.#outlet.attach(handler, this.#start.from, timestampUs);
  }

  /** Takes payload and FIN of a segment of this flow. */
  push(segment: Segment): void {
    const { bytes, payloadStart, payloadEnd, missing, flags, timestampUs } = segment;
    const sequence = (flags & tcpFlags.syn) !== 0 ? sequenceAdd(segment.sequence, 1) : segment.sequence;
    const length = payloadEnd - payloadStart;
    if (length + missing > 0) {
      if (this.#outlet.endReason !== undefined) this.#drop('after-end', length);
      else if (!this.#outlet.hasHandler) this.#skipUnwanted(sequence, length, missing);
      else if (this.#acked.isProbe(segment, this.#start.isPlaced ? this.#next : undefined))
        this.#counters.duplicateBytes++;
      else this.#take(sequence, bytes, payloadStart, payloadEnd, missing, timestampUs);
    }
    if ((flags & tcpFlags.fin) !== 0) this.#takeFin(sequenceAdd(sequence, length + missing), timestampUs);
  }

  /** The other side acknowledged everything before the sequence number. */
  acknowledge(sequence: number, timestampUs: number): void {
    if (!this.#acked.advance(sequence, this.#start.isPlaced ? this.#next : undefined)) return;
    this.#held?.acknowledge(this.#next, sequence, timestampUs);
    if (!this.#acked.covers(this.#next)) return;
    // What arrived does not wait to be put in order with what came before: the answer to it is here already.
    if (this.#start.isOpen) this.#closeStart(timestampUs);
    else this.#hole?.acknowledge(timestampUs);
  }

  /** Whether a RST of this sequence number may be the sender's. */
  acceptsReset(sequence: number): boolean {
    const furthest = this.#held?.end ?? sequenceAdd(this.#next, this.#cutLength);
    return isPlausibleReset(sequence, this.#next, furthest, this.#acked.to);
  }

  /** Gives up the holes whose time is up. */
  expireHoles(nowUs: number): void {
    for (;;) {
      const reason = this.#hole?.dueReason(nowUs, this.#limits);
      if (reason === undefined) return;
      if (reason === 'timeout' && this.#isFinUnheard) return;
      if (reason === 'start') this.#closeStart(nowUs);
      else this.giveUpHole(reason, nowUs);
    }
  }

  /** Declares the first hole a gap and delivers what waited for it; of an acknowledged hole only the acknowledged part. */
  giveUpHole(reason: GapReason, nowUs: number): void {
    if (this.#start.isOpen) return this.#closeStart(nowUs);
    const isCut = this.#cutLength > 0;
    const behind = this.#held?.first?.sequence ?? this.#finAt;
    const ackedTo = reason === 'acked' && this.#acked.covers(this.#next) ? this.#acked.to : undefined;
    const limit = isCut ? sequenceAdd(this.#next, this.#cutLength) : ackedTo;
    const target = behind === undefined || limit === undefined ? (behind ?? limit) : earlierSequence(behind, limit);
    if (target === undefined) return;
    const length = sequenceDistance(this.#next, target);
    this.#pass(length);
    if (length > 0) this.#outlet.passGap(length, isCut ? 'cut' : reason, this.#start.from, nowUs);
    if (target === ackedTo) this.#held?.forgetAcknowledged();
    this.#settle(nowUs);
  }

  /** Delivers what is held, with gaps for the holes, or drops it (`shed`), and ends the stream, unless it ended before. */
  end(reason: EndReason, nowUs: number): void {
    while (reason !== 'shed' && this.isWaiting) this.giveUpHole('end', nowUs);
    this.#finish(reason, nowUs);
  }

  /** Whether all that waits is a FIN that the other side has not heard of, though it was heard: it may be false. */
  get #isFinUnheard(): boolean {
    const isAlone = this.#held?.first === undefined && this.#cutLength === 0;
    return isAlone && this.#acked.to !== undefined && !this.#acked.covers(this.#next);
  }

  #placeMidstream(sequence: number, length: number): void {
    this.#start.placeMidstream(sequence, length, this.#acked.to, this.#startWaits && this.#limits.startWaitMs > 0);
    this.#next = this.#start.sequence;
    this.#acked.forgetUnlessNear(this.#next);
  }

  #closeStart(nowUs: number): void {
    this.#start.close();
    this.#settle(nowUs);
  }

  #take(sequence: number, bytes: Uint8Array, start: number, end: number, missing: number, timestampUs: number): void {
    if (!this.#start.isPlaced) this.#placeMidstream(sequence, end - start);
    else if (this.#start.lower(sequence)) this.#next = sequence;
    // Who goes on behind a FIN did not send that FIN.
    if (this.#finAt !== undefined && sequenceDistance(this.#finAt, sequence) + end - start + missing > 0) {
      this.#finAt = undefined;
    }
    let at = start;
    while (at < end) {
      if (this.#outlet.endReason !== undefined) return this.#drop('after-end', end - at);
      const ahead = sequenceDistance(this.#next, sequenceAdd(sequence, at - start));
      if (ahead > 0 || (ahead === 0 && this.#start.isOpen)) break;
      if (ahead < 0) {
        const old = Math.min(-ahead, end - at);
        this.#outlet.countAgain(-ahead, old);
        at += old;
        continue;
      }
      const first = this.#held?.first;
      // Where held data overlaps, it came first and stays.
      const until = first === undefined ? end : Math.min(end, at + sequenceDistance(this.#next, first.sequence));
      this.#deliver(bytes, at, until, timestampUs);
      at = until;
      this.#settle(timestampUs);
    }
    if (at < end) this.#hold(sequenceAdd(sequence, at - start), bytes, at, end, missing, timestampUs);
    else if (missing > 0) this.#takeMissing(sequenceAdd(sequence, end - start), missing, timestampUs);
  }

  #takeMissing(sequence: number, missing: number, timestampUs: number): void {
    if (this.#outlet.endReason !== undefined) return;
    const ahead = sequenceDistance(this.#next, sequence);
    if (ahead > 0 || this.#start.isOpen) return this.#hold(sequence, nothing, 0, 0, missing, timestampUs);
    this.#noteCut(missing + ahead, timestampUs);
    this.#settle(timestampUs);
  }

  #noteCut(length: number, timestampUs: number): void {
    if (length <= this.#cutLength) return;
    if (this.#cutLength === 0) this.#cutUs = timestampUs;
    this.#cutLength = length;
  }

  #hold(sequence: number, bytes: Uint8Array, start: number, end: number, missing: number, timestampUs: number): void {
    this.#held ??= new HeldSegments(this.#counters);
    const held = this.#held;
    this.#counters.duplicateBytes += held.hold(sequence, bytes, start, end, missing, timestampUs);
    if (this.#acked.to !== undefined) held.acknowledge(this.#next, this.#acked.to, timestampUs);
    this.#noteHole(timestampUs);
    while (held.exceeds(this.#limits)) this.giveUpHole('limit', timestampUs);
  }

  #takeFin(sequence: number, timestampUs: number): void {
    if (this.#outlet.endReason !== undefined) return;
    if (this.#outlet.isUnwanted) return this.#finish('fin', timestampUs);
    if (!this.#start.isPlaced) this.#placeMidstream(sequence, 0);
    const ahead = sequenceDistance(this.#next, sequence);
    const seen = Math.max(this.#cutLength, sequenceDistance(this.#next, this.#held?.end ?? this.#next));
    if (ahead < seen || ahead > largestWindowBytes) return;
    this.#finAt = this.#finAt === undefined ? sequence : earlierSequence(this.#finAt, sequence);
    this.#settle(timestampUs);
  }

  /** Delivers all that is no longer behind a hole, then notes the hole that is left. */
  #settle(nowUs: number): void {
    while (this.#outlet.endReason === undefined && !this.#start.isOpen) {
      const first = this.#held?.first;
      const ahead = first === undefined ? 1 : sequenceDistance(this.#next, first.sequence);
      if (first !== undefined && ahead <= 0) {
        this.#held?.shift();
        if (first.bytes.length > 0) this.#deliver(first.bytes, 0, first.bytes.length, first.timestampUs);
        this.#noteCut(first.missing + ahead, first.timestampUs);
      } else if (this.#finAt !== undefined && sequenceDistance(this.#finAt, this.#next) >= 0) {
        this.#finish('fin', nowUs);
      } else break;
    }
    this.#noteHole(nowUs);
  }

  /** Notes the hole at `next`, if there is one. */
  #noteHole(nowUs: number): void {
    if (!this.isWaiting) {
      this.#hole = undefined;
      return;
    }
    const kind: HoleKind = this.#start.isOpen ? 'start' : this.#cutLength > 0 ? 'cut' : 'lost';
    const noted = this.#hole;
    if (noted?.at === this.#next && noted.kind === kind) return;
    const first = this.#held?.first;
    const sinceUs = kind === 'cut' ? this.#cutUs : (first?.timestampUs ?? nowUs);
    const ackedUs = this.#acked.covers(this.#next) ? (first?.ackedUs ?? nowUs) : undefined;
    this.#hole = new Hole(kind, this.#next, kind === 'start' ? (noted?.sinceUs ?? sinceUs) : sinceUs, ackedUs);
  }

  #deliver(bytes: Uint8Array, start: number, end: number, timestampUs: number): void {
    this.#pass(end - start);
    this.#outlet.deliver(bytes, start, end, this.#start.from, timestampUs);
  }

  #pass(length: number): void {
    this.#next = sequenceAdd(this.#next, length);
    this.#cutLength = Math.max(0, this.#cutLength - length);
  }

  #finish(reason: EndReason, timestampUs: number): void {
    if (this.#outlet.endReason !== undefined) return;
    this.#hole = undefined;
    for (let left = this.#held?.shift(); left !== undefined; left = this.#held?.shift()) {
      this.#drop(reason === 'shed' ? 'shed' : 'after-end', left.bytes.length);
    }
    this.#held = undefined;
    this.#outlet.end(reason, timestampUs);
  }

  #skipUnwanted(sequence: number, length: number, missing: number): void {
    this.#drop('unwanted', length);
    if (!this.#start.isPlaced) this.#placeMidstream(sequence, length);
    const end = sequenceAdd(sequence, length + missing);
    if (sequenceDistance(this.#next, end) > 0) this.#next = end;
  }

  #drop(reason: PayloadDrop, length: number): void {
    this.#counters.droppedBytes[reason] += length;
  }
}
