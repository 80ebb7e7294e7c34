// One whole request as it was captured.

/**
 * One whole request. The object is the receiver's to keep, its strings too; `bytes` is a view that is valid only until
 * the handler it was given to returns: copy what is to stay (`request.bytes.slice()`).
 * Text from the wire is Latin-1: one character a byte, never decoded.
 */
export interface HttpRequest {
  /** As sent: any token, letter case kept. */
  readonly method: string;
  /** As sent, never decoded; blanks and raw bytes over 0x7f included, blanks around it removed. Not empty. */
  readonly target: string;
  /** `1.1` or `1.0`; as sent where a client claims another minor version. */
  readonly version: string;
  /**
   * Flat: name, value, name, value, like Node's `rawHeaders`. Order and letter case as sent; blanks around values removed,
   * folded lines joined with one blank; a line without a colon is a name with an empty value.
   */
  readonly headers: readonly string[];
  /** The whole message as captured, chunking and trailers included; from the first byte of the request line. */
  readonly bytes: Uint8Array;
  /** Where the body starts in `bytes`: behind the empty line. */
  readonly bodyStart: number;
  /** How the end of the body was found. */
  readonly framing: 'none' | 'content-length' | 'chunked';
  /** Bytes of the body without chunking. A content coding, or a transfer coding before chunked, is not undone. */
  readonly bodyLength: number;
  /** The fields behind a chunked body, flat like `headers`; else empty. */
  readonly trailers: readonly string[];
  /** Capture time of the bytes that held the first byte of the request line, in microseconds since the epoch. */
  readonly firstByteUs: number;
  /** Capture time of the bytes that completed the message. */
  readonly lastByteUs: number;
  /** Which request of its connection, from 0; rejected ones count too. */
  readonly index: number;
}
