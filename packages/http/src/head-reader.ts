// Reads a message's head, from its first byte to its empty line. In step, its first line is only read; out of step, it has
// to earn trust: nothing lenient in it, and a line after it that can follow one. Source: RFC 9112 §2.2, §3, §4, §5.

import { decisiveFields, parseFields, readPlainFields } from './fields.ts';
import { LineScanner } from './line-scanner.ts';
import type { MessageBytes } from './message-bytes.ts';
import type { StartLine, Trust } from './message-side.ts';
import type { RequestLimits } from './options.ts';
import type { StreamCountersInUse } from './parser-counters.ts';
import type { SharedReason } from './reject.ts';
import { isPlausibleFieldLine } from './resync.ts';

const NO_HEADERS: readonly string[] = Object.freeze([]);
/** Heads of up to so many bytes, which hold less than half as many lines, are looked for in one piece. */
const WHOLE_HEAD_BYTES = 1536;
/** More than this behind the head, and its text is not to keep it alive. */
const SPARE_BYTES = 256;

/** `no-message`, `no-message-line`: nothing was begun; what was read ends inside a line, or with one. */
export type HeadStatus<Reason extends string> = 'more' | 'complete' | 'no-message' | 'no-message-line' | Reason;

/** Reads one head after another, line by line, and decides what each begins. */
export class HeadReader<Reason extends string> {
  /** All fields; those of {@link decisive} only where no more is wanted. */
  headers: readonly string[] = NO_HEADERS;
  /** The fields that may decide how the message ends and what follows it. */
  decisive: readonly string[] = NO_HEADERS;
  /** Capture time of the first byte. */
  firstByteUs = 0;
  trust: Trust = 'given';
  /** Whether it is certain that this is a message. */
  isMessage = false;
  /** Whole lines so far; the first word is read when `#isStartRead`. */
  #lineCount = 0;
  #isStartRead = false;
  #startLineBytes = 0;
  readonly #start: StartLine<Reason | SharedReason>;
  readonly #lines = new LineScanner();
  readonly #limits: Required<RequestLimits>;
  readonly #counters: StreamCountersInUse;
  readonly #wantsAllFields: boolean;

  /** `wantsAllFields`: false where only the framing matters. */
  constructor(
    start: StartLine<Reason | SharedReason>,
    wantsAllFields: boolean,
    limits: Required<RequestLimits>,
    counters: StreamCountersInUse,
  ) {
    this.#start = start;
    this.#wantsAllFields = wantsAllFields;
    this.#limits = limits;
    this.#counters = counters;
  }

  /** Hands the headers over, and keeps nothing of them: connections are silent for long. */
  takeHeaders(): readonly string[] {
    const { headers } = this;
    this.headers = NO_HEADERS;
    this.decisive = NO_HEADERS;
    return headers;
  }

  /** Expects the first byte of a head next. */
  open(trust: Trust, nowUs: number): void {
    this.trust = trust;
    this.firstByteUs = nowUs;
    this.isMessage = false;
    this.#isStartRead = false;
    this.#lineCount = 0;
    this.#lines.reset();
  }

  /** Reads on in the chunk, at least one byte of it unless that is a line end which shows that this is no message. */
  read(bytes: MessageBytes, nowUs: number): HeadStatus<Reason | SharedReason> {
    if (!this.#isStartRead) {
      const status = this.#start.readStart(bytes, this.trust);
      if (status !== 'complete') return status;
      this.#isStartRead = true;
      if (this.trust === 'given' && this.#readWhole(bytes)) return 'complete';
    }
    for (;;) {
      const next = this.#lines.next(bytes.chunk, bytes.at);
      bytes.at = next < 0 ? bytes.chunk.length : next;
      const excess = bytes.length - this.#limits.maxHeadBytes;
      if (excess > 0) {
        bytes.at -= excess;
        return 'head-too-long';
      }
      if (next < 0) return 'more';
      const status = this.#endLine(bytes, nowUs);
      if (status !== 'more') return status;
    }
  }

  /** Takes a head that is whole in the chunk and has nothing odd, as nearly all have; else leaves all to be read line by line. */
  #readWhole(bytes: MessageBytes): boolean {
    const { maxHeadBytes, maxHeaders } = this.#limits;
    if (maxHeaders < WHOLE_HEAD_BYTES / 2 || maxHeadBytes < WHOLE_HEAD_BYTES) return false;
    const text = bytes.ahead(WHOLE_HEAD_BYTES);
    if (text === undefined) return false;
    const lineEnd = text.indexOf('\n') + 1;
    if (lineEnd === 0) return false;
    const end = this.#readFields(bytes, text, lineEnd);
    if (end < 0) return false;
    // By itself where it matters: its parts are kept while the request waits for its answer, and are not to keep the head.
    const line = this.#wantsAllFields ? bytes.ahead(lineEnd) : text.slice(0, lineEnd);
    if (this.#start.take(line ?? '') !== 'complete') return false;
    this.isMessage = true;
    bytes.goTo(end);
    return true;
  }

  /** Where the head ends; -1 where it is not plain. */
  #readFields(bytes: MessageBytes, text: string, lineEnd: number): number {
    const all: string[] | undefined = this.#wantsAllFields ? [] : undefined;
    const decisive: string[] = [];
    const end = readPlainFields(text, lineEnd, all, decisive);
    if (end < 0) return end;
    if (all !== undefined && text.length - end > SPARE_BYTES) {
      return this.#readFields(bytes, bytes.ahead(end) ?? '', lineEnd);
    }
    this.headers = all ?? decisive;
    this.decisive = decisive;
    return end;
  }

  #setHeaders(headers: readonly string[]): void {
    this.headers = headers;
    this.decisive = decisiveFields(headers);
  }

  /** `more`: on to the next line. */
  #endLine(bytes: MessageBytes, nowUs: number): HeadStatus<Reason | SharedReason> {
    this.#lineCount++;
    if (this.#lineCount === 1) return this.#endStartLine(bytes);
    if (!this.isMessage) {
      const second = bytes.view().subarray(this.#startLineBytes);
      if (!isPlausibleFieldLine(second)) return this.#restartAtSecondLine(bytes, second, nowUs);
      this.isMessage = true;
    }
    if (this.#lines.lineIsEmpty) return this.#endHead(bytes);
    return this.#lineCount - 1 > this.#limits.maxHeaders ? 'too-many-headers' : 'more';
  }

  #endStartLine(bytes: MessageBytes): HeadStatus<Reason | SharedReason> {
    this.#startLineBytes = bytes.length;
    if (this.trust !== 'given' && !this.#start.isTrusted(bytes.view())) return 'no-message-line';
    const status = this.#start.take(bytes.text(0, bytes.length));
    if (status === 'no-message') return 'no-message-line';
    this.isMessage = this.trust === 'given';
    return status === 'complete' ? 'more' : status;
  }

  /** What looked like a start line was text; the line after it may be the real one. */
  #restartAtSecondLine(bytes: MessageBytes, second: Uint8Array, nowUs: number): HeadStatus<Reason | SharedReason> {
    if (!this.#start.isTrusted(second)) return 'no-message-line';
    this.#counters.skippedBytes += this.#startLineBytes;
    bytes.dropFront(this.#startLineBytes);
    this.firstByteUs = nowUs;
    this.#lineCount = 1;
    return this.#endStartLine(bytes);
  }

  #endHead(bytes: MessageBytes): HeadStatus<Reason | SharedReason> {
    const headers = parseFields(bytes.text(this.#startLineBytes, bytes.length));
    if (typeof headers === 'string') return headers;
    this.#setHeaders(headers);
    return 'complete';
  }
}
