// Reads a request's head, from its first byte to its empty line. In step, any token makes a method; out of step, a request
// line has to earn trust: a well-known method, nothing lenient in the line, and a line after it that can follow one.
// Source: RFC 9112 §2.2, §3, §5.

import { BLANK, IS_TOKEN, LF } from './characters.ts';
import { parseFields } from './fields.ts';
import { LineScanner } from './line-scanner.ts';
import type { MessageBytes } from './message-bytes.ts';
import { isKnownMethod, isUncutMethod, MAX_METHOD_BYTES } from './methods.ts';
import type { RequestLimits } from './options.ts';
import type { CountersInUse } from './parser-counters.ts';
import type { RejectReason } from './reject.ts';
import { parseRequestLine, type RequestLine } from './request-line.ts';
import { isPlausibleFieldLine, isTrustedRequestLine } from './resync.ts';

/** `to-earn`: out of step, but at the start of a line; `cut`: the beginning of the line may be missing, too. */
export type Trust = 'given' | 'to-earn' | 'cut';

/** `no-request`, `no-request-line`: nothing was begun; what was read ends inside a line, or with one. */
export type HeadStatus = 'more' | 'complete' | 'no-request' | 'no-request-line' | RejectReason;

/** Reads one head after another, line by line, and decides what each begins. */
export class HeadReader {
  line: RequestLine = { method: '', target: '', version: '' };
  headers: readonly string[] = [];
  /** Capture time of the first byte. */
  firstByteUs = 0;
  trust: Trust = 'given';
  /** Whether it is certain that this is a request. */
  isRequest = false;
  /** Whole lines so far; the method is read when `#isMethodRead`. */
  #lineCount = 0;
  #isMethodRead = false;
  #requestLineBytes = 0;
  readonly #lines = new LineScanner();
  readonly #limits: Required<RequestLimits>;
  readonly #counters: CountersInUse;

  constructor(limits: Required<RequestLimits>, counters: CountersInUse) {
    this.#limits = limits;
    this.#counters = counters;
  }

  /** Expects the first byte of a head next. */
  open(trust: Trust, nowUs: number): void {
    this.trust = trust;
    this.firstByteUs = nowUs;
    this.isRequest = false;
    this.#isMethodRead = false;
    this.#lineCount = 0;
    this.#lines.reset();
  }

  /** Reads on in the chunk, at least one byte of it unless that is a line end which shows that this is no request. */
  read(bytes: MessageBytes, nowUs: number): HeadStatus {
    if (!this.#isMethodRead) {
      const status = this.#readMethod(bytes);
      if (status !== 'complete') return status;
      this.#isMethodRead = true;
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

  #readMethod(bytes: MessageBytes): HeadStatus {
    const { chunk } = bytes;
    const most = Math.min(chunk.length, bytes.at + MAX_METHOD_BYTES + 1 - bytes.length);
    let at = bytes.at;
    while (at < most && IS_TOKEN[chunk[at]!] === 1) at++;
    bytes.at = at;
    const length = bytes.length;
    if (length > MAX_METHOD_BYTES) return 'no-request';
    if (at === chunk.length) return 'more';
    if (length > 0 && chunk[at] === BLANK && this.#isMethodTrusted(bytes)) return 'complete';
    if (chunk[at] !== LF) bytes.at++; // the byte that shows it may also show which protocol it is
    return 'no-request';
  }

  #isMethodTrusted(bytes: MessageBytes): boolean {
    if (this.trust === 'given') return true;
    const method = bytes.text(0, bytes.length);
    return this.trust === 'cut' ? isUncutMethod(method) : isKnownMethod(method);
  }

  /** `more`: on to the next line. */
  #endLine(bytes: MessageBytes, nowUs: number): HeadStatus {
    this.#lineCount++;
    if (this.#lineCount === 1) return this.#endRequestLine(bytes);
    if (!this.isRequest) {
      const second = bytes.view().subarray(this.#requestLineBytes);
      if (!isPlausibleFieldLine(second)) return this.#restartAtSecondLine(bytes, second, nowUs);
      this.isRequest = true;
    }
    if (this.#lines.lineIsEmpty) return this.#endHead(bytes);
    return this.#lineCount - 1 > this.#limits.maxHeaders ? 'too-many-headers' : 'more';
  }

  #endRequestLine(bytes: MessageBytes): HeadStatus {
    this.#requestLineBytes = bytes.length;
    if (this.trust !== 'given' && !isTrustedRequestLine(bytes.view())) return 'no-request-line';
    const line = parseRequestLine(bytes.text(0, bytes.length));
    if (line === 'not-a-request') return 'no-request-line';
    this.isRequest = this.trust === 'given';
    if (typeof line === 'string') return line;
    this.line = line;
    return 'more';
  }

  /** What looked like a request line was text; the line after it may be the real one. */
  #restartAtSecondLine(bytes: MessageBytes, second: Uint8Array, nowUs: number): HeadStatus {
    if (!isTrustedRequestLine(second)) return 'no-request-line';
    this.#counters.skippedBytes += this.#requestLineBytes;
    bytes.dropFront(this.#requestLineBytes);
    this.firstByteUs = nowUs;
    this.#lineCount = 1;
    return this.#endRequestLine(bytes);
  }

  #endHead(bytes: MessageBytes): HeadStatus {
    const headers = parseFields(bytes.text(this.#requestLineBytes, bytes.length));
    if (typeof headers === 'string') return headers;
    this.headers = headers;
    return 'complete';
  }
}
