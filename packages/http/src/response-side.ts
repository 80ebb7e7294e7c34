// What is particular to responses: the status line, the framing, which depends on the request, and the handlers.

import type { BodyReader } from './body-reader.ts';
import { LF } from './characters.ts';
import { type Framing, framingOfResponse, type ResponseFramingReject } from './framing.ts';
import type { MessageBytes } from './message-bytes.ts';
import type { MessageSide, StartLine } from './message-side.ts';
import { type Opening, type OtherProtocol, protocolOfServer, type Verdict } from './other-protocol.ts';
import { type ResponseCountersInUse, zeroedResponseCounters } from './parser-counters.ts';
import type { RequestReference } from './response.ts';
import type { ResponseParserOptions } from './response-options.ts';
import type { ResponseRejectReason } from './response-reject.ts';
import { isTrustedStatusLine, roleOf } from './resync.ts';
import { parseStatusLine, type StatusLine } from './status-line.ts';

const START = Array.from('HTTP/', (letter) => letter.charCodeAt(0));

const NO_LINE: StatusLine = { version: '', status: 0, reason: '' };

/** The status line as a head's first line. */
class ResponseStart implements StartLine<ResponseRejectReason> {
  line: StatusLine = NO_LINE;

  readStart(bytes: MessageBytes): 'more' | 'complete' | 'no-message' {
    const { chunk } = bytes;
    let { length } = bytes;
    let at = bytes.at;
    while (length < START.length && at < chunk.length && chunk[at] === START[length]) {
      at++;
      length++;
    }
    bytes.at = at;
    if (length === START.length) return 'complete';
    if (at === chunk.length) return 'more';
    if (chunk[at] !== LF) bytes.at++; // the byte that shows it may also show which protocol it is
    return 'no-message';
  }

  take(text: string): 'complete' | ResponseRejectReason {
    const line = parseStatusLine(text);
    if (typeof line === 'string') return line;
    this.line = line;
    return 'complete';
  }

  isTrusted(line: Uint8Array): boolean {
    return isTrustedStatusLine(line);
  }

  isBegun(bytes: Uint8Array): boolean {
    return roleOf(bytes) === 'server';
  }
}

/** The server's side, for a MessageReader. */
export class ResponseSide implements MessageSide<ResponseRejectReason> {
  readonly counters: ResponseCountersInUse = zeroedResponseCounters();
  readonly start = new ResponseStart();
  readonly isDoubtful = false;
  #request: RequestReference | undefined;
  #firstByteUs = 0;
  readonly #options: ResponseParserOptions;

  constructor(options: ResponseParserOptions) {
    this.#options = options;
  }

  get keepsMessages(): boolean {
    return this.#options.onResponse !== undefined;
  }

  mayBegin(): boolean {
    return this.#options.mayBegin === undefined || this.#options.mayBegin();
  }

  begin(firstByteUs: number): void {
    this.#firstByteUs = firstByteUs;
    this.#request = undefined;
  }

  frame(decisive: readonly string[]): Framing | ResponseFramingReject {
    const { status, version } = this.start.line;
    this.#request = this.#options.requestOf?.(status, this.#firstByteUs, decisive);
    return framingOfResponse(status, this.#request?.method, version, decisive);
  }

  settle(): 'between' | 'opaque' {
    this.counters.responses++;
    if (this.#request === undefined) this.counters.unpaired++;
    return this.#leavesHttp() ? 'opaque' : 'between';
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
    const { version, status, reason } = this.start.line;
    const request = this.#request;
    this.#forget();
    this.#options.onResponse?.({
      version,
      status,
      reason,
      headers,
      bytes,
      bodyStart,
      framing,
      bodyLength,
      trailers,
      firstByteUs,
      lastByteUs,
      isInterim: status < 200,
      index,
      request,
    });
  }

  reject(reason: ResponseRejectReason, timestampUs: number, index: number): () => void {
    this.counters.rejected[reason]++;
    const request = this.#request;
    this.#forget();
    return () => this.#options.onReject?.({ reason, timestampUs, index, request });
  }

  lose(): void {
    this.#options.onLost?.();
  }

  judge(bytes: Uint8Array, _isLine: boolean, opening: Opening): Verdict {
    return protocolOfServer(bytes, opening);
  }

  refuseUnknown(): 'http-0.9' | undefined {
    return this.#options.isAwaited?.() === true ? 'http-0.9' : undefined;
  }

  tellOther(protocol: OtherProtocol): void {
    this.#options.onOtherProtocol?.(protocol);
  }

  takeOpaque(): undefined {
    return undefined;
  }

  /** Of what is done nothing is kept: connections are silent for long, and the text of heads may be long. */
  #forget(): void {
    this.#request = undefined;
    this.start.line = NO_LINE;
  }

  /** RFC 9110 §15.2.2 and §9.3.6. */
  #leavesHttp(): boolean {
    const { status } = this.start.line;
    return status === 101 || (status >= 200 && status < 300 && this.#request?.method === 'CONNECT');
  }
}
