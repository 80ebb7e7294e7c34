// The state machine of one stream, forward only: which bytes are a message's, and which are none. Each step settles the state
// first and calls a handler last, so a handler may do anything. Source: RFC 9112 §2.2, §6, §9.3.2, RFC 9110 §7.8.

import { BodyReader, type BodyStatus } from './body-reader.ts';
import { HeadReader } from './head-reader.ts';
import type { MemoryBudget } from './memory-budget.ts';
import { MessageBytes } from './message-bytes.ts';
import type { MessageSide, Trust } from './message-side.ts';
import { type BehindOpening, StreamOpening } from './opening.ts';
import type { RequestLimits } from './options.ts';
import type { StreamCountersInUse } from './parser-counters.ts';
import type { SharedReason } from './reject.ts';

/**
 * What comes next. In a message: `head`, `body`; the body of a rejected one: `skip-body`; in step, but in no message:
 * `between`; out of step: `cut` (perhaps inside a line, perhaps not), `line-start`, `in-line`; `opaque` to the end.
 */
type State = 'head' | 'body' | 'skip-body' | 'cut' | BehindOpening;

/** The states of one stream; RequestParser and ResponseParser are its public faces. */
export class MessageReader<Own extends string> {
  readonly bytes: MessageBytes;
  /** Whether the message at hand is known to be one, and counted as begun. */
  isBegun = false;
  readonly #side: MessageSide<Own>;
  readonly #counters: StreamCountersInUse;
  readonly #head: HeadReader<Own>;
  readonly #body: BodyReader;
  #bodyStart = 0;
  readonly #opening: StreamOpening<Own>;
  #state: State;
  #nowUs = 0;

  constructor(side: MessageSide<Own>, limits: Required<RequestLimits>, budget: MemoryBudget, isMidstream: boolean) {
    this.#side = side;
    this.#counters = side.counters;
    this.bytes = new MessageBytes(budget, { giveUp: (timestampUs) => this.#giveUpMemory(timestampUs) });
    this.#head = new HeadReader(side.start, side.keepsMessages, limits, side.counters);
    this.#body = new BodyReader(limits);
    this.#opening = new StreamOpening(side, isMidstream ? 'midstream' : 'stream');
    this.#state = isMidstream ? 'cut' : 'between';
  }

  /** Whether the message at hand is read up to its body, and not a byte of that. */
  get isBeforeBody(): boolean {
    return this.#state === 'body' && this.bytes.length === this.#bodyStart;
  }

  get isOpaque(): boolean {
    return this.#state === 'opaque';
  }

  /**
   * Reads the whole chunk, or up to a message that may not begin; returns how many bytes of it.
   * Where a handler throws, `abort` and `close` have to follow.
   */
  read(chunk: Uint8Array, nowUs: number): number {
    this.#counters.pushedBytes += chunk.length;
    this.#nowUs = nowUs;
    this.bytes.open(chunk);
    while (this.bytes.at < this.bytes.chunk.length) {
      if (this.#state === 'between' && !this.#side.mayBegin() && !this.#isAtEndBehindLineEnds()) {
        const unread = this.bytes.chunk.length - this.bytes.at;
        this.#counters.pushedBytes -= unread;
        return chunk.length - unread;
      }
      this.#step();
    }
    return chunk.length;
  }

  /** Passes over what is left of the chunk, and over as many bytes and lost bytes more that will not be read. */
  abort(lostBytes: number, gapBytes: number): void {
    const isLossless = this.bytes.at === this.bytes.chunk.length && lostBytes + gapBytes === 0;
    this.bytes.at = this.bytes.chunk.length;
    this.#skip();
    this.#counters.pushedBytes += lostBytes;
    this.#counters.skippedBytes += lostBytes;
    this.#counters.gapBytes += gapBytes;
    if (!isLossless && this.#state !== 'opaque') this.#lose('cut');
  }

  /** Lets go of the chunk, keeping what is unfinished. */
  close(): void {
    this.bytes.close(this.#state === 'body' ? this.bytes.length + this.#body.leftBytes : Infinity, this.#nowUs);
  }

  gap(length: number, nowUs: number): void {
    this.#counters.gapBytes += length;
    this.#nowUs = nowUs;
    if (length === 0 || this.#state === 'opaque') return;
    const isBody = this.#state === 'body' || this.#state === 'skip-body';
    this.#leave('gap', isBody ? this.#body.skip(length) : 'cut');
  }

  startMidstream(): void {
    if (this.#state === 'opaque') return;
    const isFirst = this.#counters.pushedBytes + this.#counters.gapBytes === 0;
    this.#leave('gap', 'cut');
    if (isFirst) this.#opening.phase = 'midstream';
  }

  /** So many bytes came that nobody could keep: they are passed over, and what they were is unknown. */
  omit(length: number, nowUs: number): void {
    this.#counters.pushedBytes += length;
    this.#counters.skippedBytes += length;
    this.#nowUs = nowUs;
    if (this.#state !== 'opaque') this.#leave('memory', 'cut');
  }

  becomeOpaque(): void {
    this.#leave('opaque', 'opaque');
  }

  /** The message at hand is over for `reason`, and the next one follows in step. */
  refuse(reason: Own, nowUs: number): void {
    this.#nowUs = nowUs;
    this.#leave(reason, 'between');
  }

  /** The stream is over; `isComplete`: by its sender's will, which ends a body that lasts until then. */
  end(nowUs: number, isComplete: boolean): void {
    this.#nowUs = nowUs;
    // A handler that throws must not keep the stream from ending.
    try {
      if (isComplete && this.#state === 'body' && this.#body.framing === 'until-close') this.#deliver();
    } finally {
      this.#leave('unfinished', 'opaque');
    }
  }

  /** Reads at least one byte, or goes over to a state that will. */
  #step(): void {
    switch (this.#state) {
      case 'between':
        if (!this.#isAtEndBehindLineEnds()) this.#openHead(this.#side.isDoubtful ? 'to-earn' : 'given');
        return;
      case 'head':
        return this.#readHead();
      case 'body':
      case 'skip-body':
        return this.#readBody();
      case 'cut':
        return this.#openHead('cut');
      case 'line-start':
        return this.#openHead('to-earn');
      case 'in-line':
        if (this.bytes.passLine()) this.#state = 'line-start';
        return this.#skip();
      case 'foreign':
        this.bytes.at++;
        return this.#judgeOpening('in-line');
      case 'addresses':
        this.#state = this.#opening.skipAddresses(this.bytes);
        return;
      case 'opaque':
        this.bytes.at = this.bytes.chunk.length;
        return this.#skip();
    }
  }

  /** RFC 9112 §2.2: empty lines before a request line are ignored; servers send them before status lines, too. */
  #isAtEndBehindLineEnds(): boolean {
    if (this.bytes.passLineEnds()) this.#skip();
    return this.bytes.at === this.bytes.chunk.length;
  }

  #openHead(trust: Trust): void {
    this.#head.open(trust, this.#nowUs);
    this.#state = 'head';
  }

  #readHead(): void {
    const status = this.#head.read(this.bytes, this.#nowUs);
    if (this.#head.isMessage && !this.isBegun) this.#begin();
    if (status === 'more') return;
    if (status === 'complete') return this.#endHead();
    if (status === 'no-message') return this.#passOver('in-line');
    if (status === 'no-message-line') return this.#passOver('line-start');
    this.#leave(status, status === 'head-too-long' ? 'in-line' : 'line-start');
  }

  #begin(): void {
    this.isBegun = true;
    this.#opening.phase = 'over';
    this.#counters.begun++;
    this.#side.begin(this.#head.firstByteUs, this.#head.isMessage);
  }

  /** What looked like the beginning of a message is none. */
  #passOver(next: 'line-start' | 'in-line'): void {
    if (this.#opening.phase !== 'over') return this.#judgeOpening(next);
    const tellOpaque = this.#side.takeOpaque();
    this.#skip();
    if (tellOpaque === undefined) return this.#lose(next);
    this.#state = 'opaque';
    tellOpaque();
  }

  /** The first bytes of the stream are no message: what they are decides over the rest. */
  #judgeOpening(next: 'line-start' | 'in-line'): void {
    const { phase } = this.#opening;
    const following = this.#opening.judge(this.bytes, next, this.#state === 'foreign');
    this.#state = following;
    if (following === 'foreign' || following === 'addresses' || following === 'between') return;
    this.#opening.phase = 'over';
    const refusal = following === 'opaque' || phase === 'midstream' ? undefined : this.#side.refuseUnknown();
    if (refusal !== undefined) {
      this.#begin();
      return this.#leave(refusal, 'opaque');
    }
    this.#lose(following);
    if (following === 'opaque' || phase === 'stream') this.#side.tellOther(this.#opening.protocol);
  }

  #endHead(): void {
    this.#bodyStart = this.bytes.length;
    const framing = this.#side.frame(this.#head.decisive);
    if (typeof framing === 'string') return this.#leave(framing, 'line-start');
    this.#state = 'body';
    const status = this.#body.open(framing);
    if (!this.#side.keepsMessages) this.bytes.pass();
    this.#judgeBody(status);
  }

  #readBody(): void {
    const status = this.#body.read(this.bytes);
    if (this.#state === 'body') {
      if (!this.#side.keepsMessages) this.bytes.pass();
      return this.#judgeBody(status);
    }
    this.#counters.rejectedBytes += this.bytes.drop();
    if (status === 'complete') this.#state = 'between';
    else if (status !== 'more') this.#lose('in-line');
  }

  #judgeBody(status: BodyStatus): void {
    if (status === 'more') return;
    if (status === 'body-too-long') {
      this.#body.passOver();
      if (this.#side.keepsMessages) this.#leave(status, 'skip-body');
    } else if (status !== 'complete') {
      this.#leave(status, 'in-line');
    } else if (!this.#side.keepsMessages || this.#body.readTrailers(this.bytes)) {
      this.#deliver();
    } else {
      this.#leave('malformed-header', 'between');
    }
  }

  #deliver(): void {
    this.#counters.deliveredBytes += this.bytes.length;
    const bytes = this.bytes.take();
    const headers = this.#head.takeHeaders();
    this.isBegun = false;
    this.#state = this.#side.settle();
    const index = this.#counters.begun - 1;
    this.#side.deliver(bytes, headers, this.#head.firstByteUs, this.#bodyStart, this.#body, this.#nowUs, index);
  }

  /** Goes on with `next`; a message at hand is given up for `reason`. */
  #leave(reason: Own | SharedReason, next: State): void {
    const isForeign = this.#state === 'foreign' && this.#opening.phase === 'stream';
    const tell = this.#drop(reason, next, this.#nowUs);
    if (isForeign) this.#side.tellOther('unknown');
    else tell?.();
  }

  /** The same without calling the handler; what calls it, or undefined where nothing shows that there was a message. */
  #drop(reason: Own | SharedReason, next: State, timestampUs: number): (() => void) | undefined {
    const isPlausible =
      this.#state === 'head' && this.#head.trust === 'given' && this.#side.start.isBegun(this.bytes.view());
    if (!this.isBegun && isPlausible) this.#begin();
    this.#opening.phase = 'over';
    const tell = this.isBegun ? this.#side.reject(reason, timestampUs, this.#counters.begun - 1) : undefined;
    this.#lose(next);
    this.#side.takeOpaque();
    if (tell === undefined) this.#skip();
    else this.#counters.rejectedBytes += this.bytes.drop();
    this.isBegun = false;
    return tell;
  }

  #skip(): void {
    this.#counters.skippedBytes += this.bytes.drop();
  }

  /** Goes over to `next`; out of step, how many messages are missed is unknown. */
  #lose(next: State): void {
    this.#state = next;
    if (next === 'cut' || next === 'in-line' || next === 'line-start') this.#side.lose();
  }

  /** The budget takes the message away; where its end can be found all the same, the messages behind it are still read. */
  #giveUpMemory(timestampUs: number): (() => void) | undefined {
    const isBody = this.#state === 'body';
    if (isBody) this.#body.passOver();
    return this.#drop('memory', isBody ? 'skip-body' : 'in-line', timestampUs);
  }
}
