// The state machine of one client's stream: which bytes are a request's, and which are none. All scanning happens in the
// bytes at hand, forward only. Each step settles the state first and calls a handler last, so a handler may do anything.
// Source: RFC 9112 §2.2, §6, §9.3.2, RFC 9110 §7.8.

import { BodyReader, type BodyStatus } from './body-reader.ts';
import { CR, LF } from './characters.ts';
import { framingOfRequest, type Successor, successorOf } from './framing.ts';
import { HeadReader, type Trust } from './head-reader.ts';
import { MemoryBudget } from './memory-budget.ts';
import { MessageBytes } from './message-bytes.ts';
import { resolveLimits } from './options.ts';
import { type CountersInUse, zeroedCounters } from './parser-counters.ts';
import type { RequestParserOptions } from './parser-options.ts';
import type { RejectReason, RequestReject } from './reject.ts';
import { looksLikeRequest, otherProtocolOf } from './resync.ts';

/**
 * What comes next. In a message: `head`, `body`; the body of a rejected one: `skip-body`; in step, but in no message:
 * `between`; out of step: `cut` (perhaps inside a line, perhaps not), `line-start`, `in-line`; `opaque` to the end.
 */
type State = 'between' | 'head' | 'body' | 'skip-body' | 'cut' | 'line-start' | 'in-line' | 'opaque';

/** The states of one client's stream; RequestParser is its public face. */
export class RequestReader {
  readonly counters: CountersInUse = zeroedCounters();
  readonly bytes: MessageBytes;
  /** Whether the message at hand is known to be a request, and counted as begun. */
  isBegun = false;
  readonly #options: RequestParserOptions;
  readonly #budget: MemoryBudget;
  readonly #head: HeadReader;
  readonly #body: BodyReader;
  #bodyStart = 0;
  #state: State;
  /** Nothing but empty lines has come yet, and the stream began with its connection. */
  #isStreamStart: boolean;
  /** Set behind a CONNECT or an Upgrade: what follows may be no HTTP. */
  #successor: Successor | undefined;
  #nowUs = 0;

  constructor(options: RequestParserOptions) {
    this.#options = options;
    const limits = resolveLimits(options);
    this.#budget = options.budget ?? new MemoryBudget();
    this.bytes = new MessageBytes(this.#budget, {
      giveUp: (timestampUs) => this.#giveUpMemory(timestampUs),
      announce: (reject) => this.#options.onReject(reject),
    });
    this.#head = new HeadReader(limits, this.counters);
    this.#body = new BodyReader(limits);
    this.#isStreamStart = options.midstream !== true;
    this.#state = this.#isStreamStart ? 'between' : 'cut';
  }

  /** Reads the whole chunk. Where a handler throws, `abort` and `close` have to follow. */
  read(chunk: Uint8Array, nowUs: number): void {
    this.counters.pushedBytes += chunk.length;
    this.#nowUs = nowUs;
    this.bytes.open(chunk);
    while (this.bytes.at < chunk.length) this.#step();
  }

  /** Passes over what is left of the chunk, and over as many bytes and lost bytes more that will not be read. */
  abort(lostBytes: number, gapBytes: number): void {
    const isLossless = this.bytes.at === this.bytes.chunk.length && lostBytes + gapBytes === 0;
    this.bytes.at = this.bytes.chunk.length;
    this.#skip();
    this.counters.pushedBytes += lostBytes;
    this.counters.skippedBytes += lostBytes;
    this.counters.gapBytes += gapBytes;
    if (!isLossless && this.#state !== 'opaque') this.#state = 'cut';
  }

  /** Lets go of the chunk, keeping what is unfinished. */
  close(): void {
    const leftBytes = this.#state === 'body' ? this.#body.leftBytes : Infinity;
    this.bytes.close(this.bytes.length + leftBytes, this.#nowUs);
  }

  /** Tells the owners of requests that the budget gave up, ours or other parsers'. */
  announceGivenUp(): void {
    this.#budget.announce();
  }

  gap(length: number, nowUs: number): void {
    this.counters.gapBytes += length;
    this.#nowUs = nowUs;
    if (length > 0 && this.#state !== 'opaque') this.#leave('gap', this.#stateBehindGap(length));
  }

  startMidstream(): void {
    if (this.#state !== 'opaque') this.#leave('gap', 'cut');
  }

  becomeOpaque(): void {
    this.#leave('opaque', 'opaque');
  }

  end(nowUs: number): void {
    this.#nowUs = nowUs;
    this.#leave('unfinished', 'opaque');
  }

  /** Reads at least one byte, or goes over to a state that will. */
  #step(): void {
    switch (this.#state) {
      case 'between':
        return this.#readBetween();
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
        return this.#seekLineStart();
      case 'opaque':
        this.bytes.at = this.bytes.chunk.length;
        return this.#skip();
    }
  }

  /** RFC 9112 §2.2: empty lines before a request line are ignored. */
  #readBetween(): void {
    const { chunk } = this.bytes;
    let at = this.bytes.at;
    while (at < chunk.length && (chunk[at] === CR || chunk[at] === LF)) at++;
    if (at > this.bytes.at) {
      this.bytes.at = at;
      this.#skip();
    }
    if (at < chunk.length) this.#openHead(this.#successor === undefined ? 'given' : 'to-earn');
  }

  #openHead(trust: Trust): void {
    this.#head.open(trust, this.#nowUs);
    this.#state = 'head';
  }

  #readHead(): void {
    const status = this.#head.read(this.bytes, this.#nowUs);
    if (this.#head.isRequest && !this.isBegun) this.#begin();
    if (status === 'more') return;
    if (status === 'complete') return this.#endHead();
    if (status === 'no-request') return this.#passOver('in-line');
    if (status === 'no-request-line') return this.#passOver('line-start');
    this.#leave(status, status === 'head-too-long' ? 'in-line' : 'line-start');
  }

  #begin(): void {
    this.isBegun = true;
    this.#isStreamStart = false;
    this.#successor = undefined;
    this.counters.begun++;
  }

  /** What looked like the beginning of a request is none. */
  #passOver(next: 'line-start' | 'in-line'): void {
    const protocol = this.#isStreamStart ? otherProtocolOf(this.bytes.view()) : undefined;
    const successor = this.#successor;
    this.#isStreamStart = false;
    this.#successor = undefined;
    this.#skip();
    const isOpaque = successor !== undefined || (protocol !== undefined && protocol !== 'unknown');
    this.#state = isOpaque ? 'opaque' : next;
    if (successor !== undefined) this.#options.onOpaque?.(successor);
    else if (protocol !== undefined) this.#options.onOtherProtocol?.(protocol);
  }

  #seekLineStart(): void {
    const lineEnd = this.bytes.chunk.indexOf(LF, this.bytes.at);
    this.bytes.at = lineEnd < 0 ? this.bytes.chunk.length : lineEnd + 1;
    this.#skip();
    if (lineEnd >= 0) this.#state = 'line-start';
  }

  #endHead(): void {
    this.#bodyStart = this.bytes.length;
    const framing = framingOfRequest(this.#head.line.version, this.#head.headers);
    if (typeof framing === 'string') return this.#leave(framing, 'line-start');
    this.#state = 'body';
    this.#judgeBody(this.#body.open(framing));
  }

  #readBody(): void {
    const status = this.#body.read(this.bytes);
    if (this.#state === 'body') return this.#judgeBody(status);
    this.counters.rejectedBytes += this.bytes.drop();
    if (status !== 'more') this.#state = status === 'complete' ? 'between' : 'in-line';
  }

  #judgeBody(status: BodyStatus): void {
    if (status === 'more') return;
    if (status === 'body-too-long') {
      this.#body.passOver();
      this.#leave(status, 'skip-body');
    } else if (status !== 'complete') {
      this.#leave(status, 'in-line');
    } else if (this.#body.readTrailers(this.bytes)) {
      this.#deliver();
    } else {
      this.#leave('malformed-header', 'between');
    }
  }

  #deliver(): void {
    const { line, headers, firstByteUs } = this.#head;
    const bytes = this.bytes.take();
    this.counters.requests++;
    this.counters.deliveredBytes += bytes.length;
    this.isBegun = false;
    this.#successor = successorOf(line.method, headers);
    this.#state = 'between';
    this.#options.onRequest({
      method: line.method,
      target: line.target,
      version: line.version,
      headers,
      bytes,
      bodyStart: this.#bodyStart,
      framing: this.#body.framing,
      bodyLength: this.#body.bodyLength,
      trailers: this.#body.trailers,
      firstByteUs,
      lastByteUs: this.#nowUs,
      index: this.counters.begun - 1,
    });
  }

  /** Goes on with `next`; a message at hand is given up for `reason`. */
  #leave(reason: RejectReason, next: State): void {
    const reject = this.#drop(reason, next, this.#nowUs);
    if (reject !== undefined) this.#options.onReject(reject);
  }

  /** The same without calling the handler; what to tell it, or undefined where nothing shows that there was a request. */
  #drop(reason: RejectReason, next: State, timestampUs: number): RequestReject | undefined {
    const isPlausible = this.#state === 'head' && this.#head.trust === 'given' && looksLikeRequest(this.bytes.view());
    if (!this.isBegun && isPlausible) this.#begin();
    this.#state = next;
    this.#isStreamStart = false;
    this.#successor = undefined;
    if (!this.isBegun) {
      this.#skip();
      return undefined;
    }
    this.isBegun = false;
    this.counters.rejected[reason]++;
    this.counters.rejectedBytes += this.bytes.drop();
    return { reason, timestampUs, index: this.counters.begun - 1 };
  }

  #skip(): void {
    this.counters.skippedBytes += this.bytes.drop();
  }

  /** Takes a hole into the lengths that are known. */
  #stateBehindGap(length: number): State {
    if (this.#state !== 'body' && this.#state !== 'skip-body') return 'cut';
    this.#body.passOver();
    const status = this.#body.skip(length);
    if (status === 'lost') return 'cut';
    return status === 'complete' ? 'between' : 'skip-body';
  }

  /** The budget takes the message away; where its end can be found all the same, the requests behind it are still read. */
  #giveUpMemory(timestampUs: number): RequestReject | undefined {
    if (this.#state !== 'body') return this.#drop('memory', 'in-line', timestampUs);
    this.#body.passOver();
    return this.#drop('memory', 'skip-body', timestampUs);
  }
}
