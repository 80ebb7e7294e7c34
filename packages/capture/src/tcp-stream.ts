// One flow of a connection, put in order (RFC 9293, section 3.10). Data in order passes without a copy; data behind a
// hole is held until the hole is filled or given up. State first, handler last: a handler finds the stream consistent.

import type { AssemblerCounters, GapReason, PayloadDrop } from './assembler-counters.ts';
import type { EndReason, StreamHandler } from './connection.ts';
import { HeldSegments } from './held-segments.ts';
import { Hole } from './hole.ts';
import type { TcpLimits } from './options.ts';
import type { Segment } from './segment.ts';
import { earlierSequence, sequenceAdd, sequenceDistance } from './sequence.ts';
import { largestWindowBytes, tcpFlags } from './tcp.ts';

/** A capture that begins in the middle waits for bytes so far before its first data, if they were not acknowledged. */
const midstreamReorderBytes = 65_536;

/** One direction of a connection. */
export class TcpStream {
  /** Whether the assembler has it in its list of streams with a hole. */
  isTracked = false;

  readonly #limits: TcpLimits;
  readonly #counters: AssemblerCounters;
  #handler: StreamHandler | undefined;
  #isAttached = false;
  #hasStarted = false;
  #endReason: EndReason | undefined;

  #startsAt: 'handshake' | 'midstream' | undefined;
  /** Sequence number of the stream's first byte, and of the next to deliver. */
  #start = 0;
  #next = 0;
  /** Bytes delivered or given up: the place of `next`, free of wrapping. */
  #offset = 0;
  /** Where the last gap was, as offsets. */
  #gapFrom = 0;
  #gapTo = 0;

  #held: HeldSegments | undefined;
  /** Bytes from `next` on that the capture cut off. */
  #knownMissing = 0;
  #finAt: number | undefined;
  #finUs = 0;
  #ackedTo: number | undefined;
  #hole: Hole | undefined;

  constructor(limits: TcpLimits, counters: AssemblerCounters) {
    this.#limits = limits;
    this.#counters = counters;
  }

  get endReason(): EndReason | undefined {
    return this.#endReason;
  }

  /** Whether a SYN or data told where the stream begins. */
  get isPlaced(): boolean {
    return this.#startsAt !== undefined;
  }

  get start(): number {
    return this.#start;
  }

  get next(): number {
    return this.#next;
  }

  /** Whether data or a FIN waits for a hole. */
  get isWaiting(): boolean {
    return this.#endReason === undefined && (this.#held?.first !== undefined || this.#finAt !== undefined);
  }

  /** The handshake told the sequence number of the first byte. */
  startAtHandshake(sequence: number): void {
    if (!this.isPlaced) this.#place(sequence, 'handshake');
  }

  /** Who gets the stream, if anybody: called once, before the connection's first data is pushed. */
  attach(handler: StreamHandler | undefined, timestampUs: number): void {
    this.#isAttached = true;
    this.#handler = handler;
    if (this.#endReason !== undefined) handler?.end(this.#endReason, timestampUs);
  }

  /** Takes payload and FIN of a segment of this flow. */
  push(segment: Segment): void {
    const { bytes, payloadStart, payloadEnd, missing, flags, timestampUs } = segment;
    const sequence = (flags & tcpFlags.syn) !== 0 ? sequenceAdd(segment.sequence, 1) : segment.sequence;
    const length = payloadEnd - payloadStart;
    if (length + missing > 0) {
      if (this.#endReason !== undefined) this.#drop('after-end', length);
      else if (this.#handler === undefined) this.#skipUnwanted(sequence, length, missing);
      else this.#take(sequence, bytes, payloadStart, payloadEnd, missing, timestampUs);
    }
    if ((flags & tcpFlags.fin) !== 0) this.#takeFin(sequenceAdd(sequence, length + missing), timestampUs);
  }

  /** The other side acknowledged everything before the sequence number. */
  acknowledge(sequence: number, timestampUs: number): void {
    if (this.#ackedTo !== undefined && sequenceDistance(this.#ackedTo, sequence) <= 0) return;
    this.#ackedTo = sequence;
    this.#noteAcked(timestampUs);
  }

  /** Gives up the holes whose time is up. */
  expireHoles(nowUs: number): void {
    for (;;) {
      const reason = this.#hole?.dueReason(nowUs, this.#limits);
      if (reason === undefined) return;
      this.giveUpHole(reason, nowUs);
    }
  }

  /** Declares the first hole a gap and delivers what waited for it; of an acknowledged hole only the acknowledged part. */
  giveUpHole(reason: GapReason, nowUs: number): void {
    let target = this.#held?.first?.sequence ?? this.#finAt;
    if (target === undefined) return;
    if (reason === 'acked' && this.#ackedTo !== undefined) target = earlierSequence(target, this.#ackedTo);
    this.#passGap(sequenceDistance(this.#next, target), reason, nowUs);
    this.#settle(nowUs);
  }

  /** Delivers what is held, with gaps for the holes, and ends the stream, unless it ended before. */
  end(reason: EndReason, nowUs: number): void {
    while (this.isWaiting) this.giveUpHole('end', nowUs);
    this.#finish(reason, nowUs);
  }

  #place(sequence: number, startsAt: 'handshake' | 'midstream'): void {
    this.#startsAt = startsAt;
    this.#start = sequence;
    this.#next = sequence;
  }

  /** Where a stream begins whose handshake was not seen. */
  #placeMidstream(sequence: number, length: number): void {
    let start = sequence;
    if (this.#ackedTo !== undefined) {
      const unacked = sequenceDistance(this.#ackedTo, sequence);
      // What was not acknowledged before this data may still come: the network changed the order.
      if (unacked > 0 && unacked <= midstreamReorderBytes) start = this.#ackedTo;
      // One byte that is acknowledged already is a keep-alive probe.
      if (unacked === -1 && length === 1) start = this.#ackedTo;
    }
    this.#place(start, 'midstream');
  }

  #take(sequence: number, bytes: Uint8Array, start: number, end: number, missing: number, timestampUs: number): void {
    if (!this.isPlaced) this.#placeMidstream(sequence, end - start);
    let at = start;
    while (at < end) {
      if (this.#endReason !== undefined) return this.#drop('after-end', end - at);
      const ahead = sequenceDistance(this.#next, sequenceAdd(sequence, at - start));
      if (ahead > 0) break;
      if (ahead < 0) {
        at = this.#skipOld(at, end, -ahead);
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
    if (this.#endReason !== undefined) return;
    const ahead = sequenceDistance(this.#next, sequence);
    if (ahead > 0) return this.#hold(sequence, nothing, 0, 0, missing, timestampUs);
    this.#knownMissing = Math.max(this.#knownMissing, missing + ahead);
    this.#settle(timestampUs);
  }

  #hold(sequence: number, bytes: Uint8Array, start: number, end: number, missing: number, timestampUs: number): void {
    this.#held ??= new HeldSegments(this.#counters);
    const held = this.#held;
    this.#counters.duplicateBytes += held.hold(sequence, bytes, start, end, missing, timestampUs);
    this.#noteHole(timestampUs);
    const { maxHeldBytesPerStream, maxHeldSegmentsPerStream } = this.#limits;
    while (held.allocatedBytes > maxHeldBytesPerStream || held.count > maxHeldSegmentsPerStream) {
      this.giveUpHole('limit', timestampUs);
    }
  }

  #takeFin(sequence: number, timestampUs: number): void {
    if (this.#endReason !== undefined) return;
    if (this.#isAttached && this.#handler === undefined) return this.#finish('fin', timestampUs);
    if (!this.isPlaced) this.#place(sequence, 'midstream');
    const ahead = sequenceDistance(this.#next, sequence);
    if (ahead < 0 || ahead > largestWindowBytes) return;
    this.#finAt = this.#finAt === undefined ? sequence : earlierSequence(this.#finAt, sequence);
    this.#finUs = timestampUs;
    this.#settle(timestampUs);
  }

  /** Delivers all that is no longer behind a hole, then notes the hole that is left. */
  #settle(nowUs: number): void {
    while (this.#endReason === undefined) {
      const first = this.#held?.first;
      const ahead = first === undefined ? Number.POSITIVE_INFINITY : sequenceDistance(this.#next, first.sequence);
      if (first !== undefined && ahead <= 0) {
        this.#held?.shift();
        if (first.bytes.length > 0) this.#deliver(first.bytes, 0, first.bytes.length, first.timestampUs);
        this.#knownMissing = Math.max(this.#knownMissing, first.missing);
      } else if (this.#knownMissing > 0) {
        this.#passGap(Math.min(this.#knownMissing, ahead), 'cut', nowUs);
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
    } else if (this.#hole?.at !== this.#next) {
      this.#hole = new Hole(this.#next, this.#held?.first?.timestampUs ?? this.#finUs);
      this.#noteAcked(nowUs);
    }
  }

  #noteAcked(nowUs: number): void {
    if (this.#hole === undefined || this.#ackedTo === undefined) return;
    if (sequenceDistance(this.#next, this.#ackedTo) > 0) this.#hole.acknowledge(nowUs);
  }

  #deliver(bytes: Uint8Array, start: number, end: number, timestampUs: number): void {
    this.#pass(end - start);
    this.#startHandler(timestampUs);
    if (this.#endReason !== undefined) return this.#drop('after-end', end - start);
    this.#counters.deliveredBytes += end - start;
    this.#handler?.data(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end), timestampUs);
  }

  #passGap(length: number, reason: GapReason, timestampUs: number): void {
    if (length <= 0) return;
    this.#gapFrom = this.#offset;
    this.#pass(length);
    this.#gapTo = this.#offset;
    this.#counters.gaps[reason]++;
    this.#counters.gapBytes += length;
    this.#startHandler(timestampUs);
    if (this.#endReason === undefined) this.#handler?.gap(length, timestampUs);
  }

  #pass(length: number): void {
    this.#next = sequenceAdd(this.#next, length);
    this.#offset += length;
    this.#knownMissing = Math.max(0, this.#knownMissing - length);
  }

  #startHandler(timestampUs: number): void {
    if (this.#hasStarted || !this.#isAttached) return;
    this.#hasStarted = true;
    if (this.#startsAt !== undefined) this.#handler?.start?.(this.#startsAt, timestampUs);
  }

  #finish(reason: EndReason, timestampUs: number): void {
    if (this.#endReason !== undefined) return;
    this.#endReason = reason;
    this.#hole = undefined;
    // A FIN before data that is held contradicts it; the FIN was in order, so it counts.
    for (let left = this.#held?.shift(); left !== undefined; left = this.#held?.shift()) {
      this.#drop('after-end', left.bytes.length);
    }
    this.#held = undefined;
    if (this.#isAttached) this.#handler?.end(reason, timestampUs);
  }

  /** Counts the first `oldLength` bytes, which stand before `next`, and returns where the rest begins. */
  #skipOld(at: number, end: number, oldLength: number): number {
    const length = Math.min(oldLength, end - at);
    const from = this.#offset - oldLength;
    const beforeStart = Math.min(length, Math.max(0, -from));
    const inGap = Math.max(0, Math.min(from + length, this.#gapTo) - Math.max(from, this.#gapFrom));
    this.#drop('before-start', beforeStart);
    this.#drop('late', inGap);
    this.#counters.duplicateBytes += length - beforeStart - inGap;
    return at + length;
  }

  #skipUnwanted(sequence: number, length: number, missing: number): void {
    this.#drop('unwanted', length);
    if (!this.isPlaced) this.#place(sequence, 'midstream');
    const end = sequenceAdd(sequence, length + missing);
    if (sequenceDistance(this.#next, end) > 0) this.#next = end;
  }

  #drop(reason: PayloadDrop, length: number): void {
    this.#counters.droppedBytes[reason] += length;
  }
}

const nothing = new Uint8Array(0);
