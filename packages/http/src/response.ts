// One whole response as it was captured, and the request that it answers.

/** A request as its response refers to it. `method` and `target` are empty where its first line could not be read. */
export interface RequestReference {
  /** Which request of its connection, from 0; rejected ones count too. */
  readonly index: number;
  readonly method: string;
  readonly target: string;
}

/**
 * One whole response. The object is the receiver's to keep, its strings too; `bytes` is a view that is valid only until
 * the handler it was given to returns: copy what is to stay (`response.bytes.slice()`).
 * Text from the wire is Latin-1: one character a byte, never decoded.
 */
export interface HttpResponse {
  /** `1.1` or `1.0`; as sent where a server claims another minor version. */
  readonly version: string;
  /** 100 to 999. */
  readonly status: number;
  /** As sent, blanks around it removed; may be empty. */
  readonly reason: string;
  /** Flat, as those of a request. */
  readonly headers: readonly string[];
  /** The whole message as captured, chunking and trailers included; from the first byte of the status line. */
  readonly bytes: Uint8Array;
  /** Where the body starts in `bytes`: behind the empty line. */
  readonly bodyStart: number;
  /** How the end of the body was found. */
  readonly framing: 'none' | 'content-length' | 'chunked' | 'until-close';
  /** Bytes of the body without chunking. A content coding, or a transfer coding before chunked, is not undone. */
  readonly bodyLength: number;
  /** The fields behind a chunked body, flat like `headers`; else empty. */
  readonly trailers: readonly string[];
  /** Capture time of the bytes that held the first byte of the status line, in microseconds since the epoch. */
  readonly firstByteUs: number;
  /** Capture time of the bytes that completed the message; of a body that lasts until the connection closes, of its end. */
  readonly lastByteUs: number;
  /** A status of 1xx: another response to the same request follows, but behind a 101 that changes the protocol. */
  readonly isInterim: boolean;
  /** Which response of its connection, from 0; rejected ones and interim ones count too. */
  readonly index: number;
  /** The request that it answers; undefined where that is not known for certain. */
  readonly request: RequestReference | undefined;
}
