// Where an answer ends, found as its bytes come, however they are cut. Keeps no body, and of a head only what came in
// earlier pieces. Source: RFC 9112 §6.3 (the length of a response), §9.3 (whether its connection lasts).

import { AnswerHead, HEAD_BAD, HEAD_CUT } from './answer-head.ts';
import { ChunkWalker } from './chunk-walker.ts';

/** Most bytes of heads in one answer, those of interim answers (1xx) included. */
export const MAX_ANSWER_HEAD_BYTES = 64 * 1024;

/** `bad-answer`: not HTTP/1.x, a length that is a guess, 101, or heads over their limit. */
export type FramerStatus = 'more' | 'complete' | 'bad-answer';

type Expected = 'head' | 'length' | 'chunks' | 'close' | 'nothing';

const LF = 0x0a;
const CR = 0x0d;
const NO_BYTES = new Uint8Array(0);
const FIRST_HELD_BYTES = 1024;

/** Frames the answers of one connection, one request at a time. */
export class ResponseFramer {
  /** The final answer's status, 200 and above; 0 until its head is whole. */
  status = 0;
  /** Once the answer is complete: the connection may carry the next request. */
  isPersistent = false;
  /** What `Keep-Alive: timeout=…` of the answer said, in seconds; -1: nothing. */
  keepAliveSeconds = -1;
  readonly #head = new AnswerHead();
  readonly #chunks = new ChunkWalker();
  #expected: Expected = 'nothing';
  #isToHead = false;
  /** Bytes of a body of known length still to come. */
  #left = 0;
  #headBytes = 0;
  /** The head so far, where it came in pieces. */
  #held: Uint8Array = NO_BYTES;
  #heldLength = 0;
  /** Of the held head's last line: how many bytes, as far as that matters: 0, 1 (a CR), or 2 for more. */
  #lineBytes = 2;

  /** Expects the answer to a request next; `isToHead`: its method was HEAD. */
  open(isToHead: boolean): void {
    this.status = 0;
    this.isPersistent = false;
    this.keepAliveSeconds = -1;
    this.#isToHead = isToHead;
    this.#expected = 'head';
    this.#headBytes = 0;
    this.#forget();
  }

  /** Takes the next bytes, from 0 up to `end`. Bytes behind the answer's end leave it complete and not persistent. */
  push(bytes: Uint8Array, end: number): FramerStatus {
    let at = 0;
    while (at < end) {
      switch (this.#expected) {
        case 'head':
          at = this.#takeHead(bytes, at, end);
          if (at < 0) return 'bad-answer';
          break;
        case 'length': {
          const taken = Math.min(this.#left, end - at);
          this.#left -= taken;
          at += taken;
          if (this.#left === 0) this.#expected = 'nothing';
          break;
        }
        case 'chunks':
          at = this.#chunks.walk(bytes, at, end);
          if (this.#chunks.status === 'bad') return 'bad-answer';
          if (this.#chunks.status === 'complete') this.#expected = 'nothing';
          break;
        case 'close':
          return 'more';
        default:
          this.isPersistent = false;
          return 'complete';
      }
    }
    return this.#expected === 'nothing' ? 'complete' : 'more';
  }

  /** The server closed its side: whether that ends the answer, which then had no length. */
  isEndedByClose(): boolean {
    return this.#expected === 'close';
  }

  /** The offset behind what was read; -1 where it is no head. */
  #takeHead(bytes: Uint8Array, at: number, end: number): number {
    if (this.#heldLength > 0) return this.#takeHeldHead(bytes, at, end);
    const start = at;
    while (at < end && (bytes[at] === CR || bytes[at] === LF)) at++;
    if (at > start) return this.#countHead(at - start) ? at : -1;
    const next = this.#head.read(bytes, at, end);
    if (next === HEAD_BAD) return -1;
    if (next === HEAD_CUT) return this.#hold(bytes, at, end) ? end : -1;
    return this.#countHead(next - at) && this.#endHead() ? next : -1;
  }

  /** Goes on with a head that began in an earlier piece: first to its end, then reads it, so that no byte is read often. */
  #takeHeldHead(bytes: Uint8Array, at: number, end: number): number {
    const headEnd = this.#findEnd(bytes, at, end);
    if (!this.#hold(bytes, at, headEnd < 0 ? end : headEnd)) return -1;
    // The first bytes tell garbage, which may never have an empty line.
    if (headEnd < 0 && this.#heldLength > FIRST_HELD_BYTES) return end;
    const next = this.#head.read(this.#held, 0, this.#heldLength);
    if (next === HEAD_BAD) return -1;
    if (headEnd < 0) return end;
    this.#forget();
    return this.#endHead() ? headEnd : -1;
  }

  /** Offset behind the empty line that ends the held head; -1 where it does not end here. */
  #findEnd(bytes: Uint8Array, at: number, end: number): number {
    for (; at < end; at++) {
      const byte = bytes[at];
      if (byte === LF) {
        if (this.#lineBytes < 2) return at + 1;
        this.#lineBytes = 0;
      } else this.#lineBytes = byte === CR && this.#lineBytes === 0 ? 1 : 2;
    }
    return -1;
  }

  #hold(bytes: Uint8Array, at: number, end: number): boolean {
    const length = this.#heldLength + end - at;
    if (!this.#countHead(end - at)) return false;
    if (this.#heldLength === 0) this.#findEnd(bytes, at, end);
    if (length > this.#held.length) {
      const larger = new Uint8Array(Math.max(FIRST_HELD_BYTES, 2 * length));
      larger.set(this.#held.subarray(0, this.#heldLength));
      this.#held = larger;
    }
    this.#held.set(bytes.subarray(at, end), this.#heldLength);
    this.#heldLength = length;
    return true;
  }

  #countHead(bytes: number): boolean {
    this.#headBytes += bytes;
    return this.#headBytes <= MAX_ANSWER_HEAD_BYTES;
  }

  #forget(): void {
    this.#held = NO_BYTES;
    this.#heldLength = 0;
    this.#lineBytes = 2;
  }

  /** RFC 9112 §6.3, step by step; false where the answer cannot be one to our request. */
  #endHead(): boolean {
    const head = this.#head;
    if (head.status < 200) return head.status !== 101; // interim; nobody asked to switch protocols
    this.status = head.status;
    this.keepAliveSeconds = head.keepAliveSeconds;
    this.isPersistent = head.minorVersion > 0 ? !head.saysClose : head.saysKeepAlive && !head.saysClose;
    // Step 1. Step 2 is about CONNECT, which is never sent.
    if (this.#isToHead || head.status === 204 || head.status === 304) this.#expected = 'nothing';
    else if (head.hasTransferEncoding) this.#expectCoding(head);
    else if (head.contentLength >= 0) this.#expectLength(head.contentLength);
    else this.#expectClose();
    return true;
  }

  /** Steps 3 and 4. §6.1: with a Content-Length beside it, or in HTTP/1.0, the connection is not to be used again. */
  #expectCoding(head: AnswerHead): void {
    if (!head.isChunked) return this.#expectClose();
    if (head.contentLength >= 0 || head.minorVersion === 0) this.isPersistent = false;
    this.#chunks.open();
    this.#expected = 'chunks';
  }

  /** Step 6. */
  #expectLength(length: number): void {
    this.#left = length;
    this.#expected = length === 0 ? 'nothing' : 'length';
  }

  /** Steps 4 and 8. */
  #expectClose(): void {
    this.isPersistent = false;
    this.#expected = 'close';
  }
}
