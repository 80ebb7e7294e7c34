// What is particular to requests: the request line, the framing, what may follow CONNECT and Upgrade, and the handlers.

import type { BodyReader } from './body-reader.ts';
import { BLANK, IS_TOKEN, LF } from './characters.ts';
import { type FramingReject, framingOfRequest, type RequestFraming, successorOf, type Tunnel } from './framing.ts';
import type { MessageBytes } from './message-bytes.ts';
import type { MessageSide, StartLine, Trust } from './message-side.ts';
import { isKnownMethod, isUncutMethod, MAX_METHOD_BYTES } from './methods.ts';
import { type Opening, type OtherProtocol, protocolOfClient, type Verdict } from './other-protocol.ts';
import { type CountersInUse, zeroedCounters } from './parser-counters.ts';
import type { RejectReason, RequestReject } from './reject.ts';
import type { HttpRequest } from './request.ts';
import { parseRequestLine, type RequestLine } from './request-line.ts';
import { isTrustedRequestLine, looksLikeRequest } from './resync.ts';

/** Who is told of requests. */
export interface RequestHandlers {
  readonly onRequest: (request: HttpRequest) => void;
  readonly onReject: (reject: RequestReject) => void;
  readonly onOpaque?: ((after: Tunnel) => void) | undefined;
  readonly onOtherProtocol?: ((protocol: OtherProtocol) => void) | undefined;
}

/** Who pairs requests with responses; calls no handlers. */
export interface RequestWatch {
  /** A request's head is complete, or all that will be known of it: then there are no `decisive` fields. Once a request. */
  readonly request: (index: number, line: RequestLine, decisive: readonly string[], firstByteUs: number) => void;
  /** From here on it is unknown how many requests the bytes hold. */
  readonly lost: () => void;
}

const NO_LINE: RequestLine = { method: '', target: '', version: '' };
const NO_HEADERS: readonly string[] = Object.freeze([]);

/** The request line as a head's first line: in step any token is a method, out of step only a well-known one. */
class RequestStart implements StartLine<RejectReason> {
  line: RequestLine = NO_LINE;

  readStart(bytes: MessageBytes, trust: Trust): 'more' | 'complete' | 'no-message' {
    const { chunk } = bytes;
    const most = Math.min(chunk.length, bytes.at + MAX_METHOD_BYTES + 1 - bytes.length);
    let at = bytes.at;
    while (at < most && IS_TOKEN[chunk[at]!] === 1) at++;
    bytes.at = at;
    const length = bytes.length;
    if (length > MAX_METHOD_BYTES) return 'no-message';
    if (at === chunk.length) return 'more';
    if (length > 0 && chunk[at] === BLANK && isMethodTrusted(bytes, trust)) return 'complete';
    if (chunk[at] !== LF) bytes.at++; // the byte that shows it may also show which protocol it is
    return 'no-message';
  }

  take(text: string): 'complete' | 'no-message' | RejectReason {
    const line = parseRequestLine(text);
    if (line === 'not-a-request') return 'no-message';
    // The method of a line that is refused is known all the same, and says how long the answer is.
    this.line = typeof line === 'string' ? { ...NO_LINE, method: text.slice(0, text.indexOf(' ')) } : line;
    return typeof line === 'string' ? line : 'complete';
  }

  isTrusted(line: Uint8Array): boolean {
    return isTrustedRequestLine(line);
  }

  isBegun(bytes: Uint8Array): boolean {
    return looksLikeRequest(bytes);
  }
}

/** The client's side, for a MessageReader. */
export class RequestSide implements MessageSide<RejectReason> {
  readonly counters: CountersInUse = zeroedCounters();
  readonly start = new RequestStart();
  readonly keepsMessages = true;
  /** Set behind a CONNECT or an Upgrade: what follows may be no HTTP. */
  #successor: Tunnel | undefined;
  /** What may follow the request at hand once it is whole. */
  #successorOfThis: Tunnel | undefined;
  /** The server agreed: what follows the request at hand is no HTTP. */
  #isLast = false;
  #isWatched = false;
  #firstByteUs = 0;
  readonly #handlers: RequestHandlers;
  readonly #watch: RequestWatch | undefined;

  constructor(handlers: RequestHandlers, watch: RequestWatch | undefined) {
    this.#handlers = handlers;
    this.#watch = watch;
  }

  get isDoubtful(): boolean {
    return this.#successor !== undefined;
  }

  mayBegin(): boolean {
    return true;
  }

  /** The server refused what the request before asked for: only requests follow. */
  stayHttp(): void {
    this.#successor = undefined;
  }

  /** What follows the request at hand is no HTTP. */
  endBehindRequest(): void {
    this.#isLast = true;
  }

  begin(firstByteUs: number, isLineTaken: boolean): void {
    if (!isLineTaken) this.start.line = NO_LINE;
    this.#firstByteUs = firstByteUs;
    this.#successor = undefined;
    this.#isWatched = false;
  }

  frame(decisive: readonly string[]): RequestFraming | FramingReject {
    this.#tellWatch(this.counters.begun - 1, this.start.line, decisive);
    this.#successorOfThis = successorOf(this.start.line.method, decisive);
    return framingOfRequest(this.start.line.version, decisive);
  }

  settle(): 'between' | 'opaque' {
    this.counters.requests++;
    this.#successor = this.#successorOfThis;
    return this.#isLast ? 'opaque' : 'between';
  }

  deliver(
    bytes: Uint8Array,
    headers: readonly string[],
    firstByteUs: number,
    bodyStart: number,
    { framing, bodyLength, trailers }: BodyReader,
    lastByteUs: number,
    index: number,
  ): void {
    const { method, target, version } = this.start.line;
    this.start.line = NO_LINE; // connections are silent for long, and targets may be long, too
    this.#handlers.onRequest({
      method,
      target,
      version,
      headers,
      bytes,
      bodyStart,
      framing: framing === 'until-close' ? 'none' : framing, // which no request has
      bodyLength,
      trailers,
      firstByteUs,
      lastByteUs,
      index,
    });
  }

  reject(reason: RejectReason, timestampUs: number, index: number): () => void {
    this.counters.rejected[reason]++;
    if (!this.#isWatched) this.#tellWatch(index, this.start.line, NO_HEADERS);
    this.start.line = NO_LINE;
    return () => this.#handlers.onReject({ reason, timestampUs, index });
  }

  lose(): void {
    this.#watch?.lost();
  }

  judge(bytes: Uint8Array, isLine: boolean, opening: Opening): Verdict {
    return protocolOfClient(bytes, isLine, opening);
  }

  refuseUnknown(): undefined {
    return undefined;
  }

  tellOther(protocol: OtherProtocol): void {
    this.#handlers.onOtherProtocol?.(protocol);
  }

  takeOpaque(): (() => void) | undefined {
    const successor = this.#successor;
    if (successor === undefined) return undefined;
    this.#successor = undefined;
    return () => this.#handlers.onOpaque?.(successor);
  }

  #tellWatch(index: number, line: RequestLine, decisive: readonly string[]): void {
    this.#isWatched = true;
    this.#watch?.request(index, line, decisive, this.#firstByteUs);
  }
}

function isMethodTrusted(bytes: MessageBytes, trust: Trust): boolean {
  if (trust === 'given') return true;
  const method = bytes.text(0, bytes.length);
  return trust === 'cut' ? isUncutMethod(method) : isKnownMethod(method);
}
