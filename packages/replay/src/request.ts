// The smallest shape of a request that replaying needs. Parsers of other packages fit it structurally.

/** One captured request. The replayer keeps it until its last target is done with it, and copies nothing. */
export interface ReplayRequest {
  /** Key of the captured connection: order is kept within it, and `10%` keeps or leaves it as a whole. */
  readonly connection: string | number;
  /** Any token, in the case that was captured. */
  readonly method: string;
  /** As on the request line, a character a byte (Latin-1). */
  readonly target: string;
  /** As on the request line, with or without `HTTP/`. It is not sent: undici always says HTTP/1.1. */
  readonly version: string;
  /** Flat `[name, value, name, value, …]` as captured, a character a byte (Latin-1). */
  readonly headers: readonly string[];
  /** The whole message as captured. Must not change after `send`. */
  readonly bytes: Uint8Array;
  /** The body without its transfer coding; a view into `bytes` or a piece of its own. Must not change after `send`. */
  readonly body: Uint8Array;
  /** How the captured message said where its body ends. */
  readonly framing: 'none' | 'content-length' | 'chunked';
  /** Flat names and values after a chunked body. */
  readonly trailers: readonly string[];
  /** Capture time, microseconds since the epoch. */
  readonly timestampUs?: number;
  /** Position on its connection, from 0. */
  readonly index?: number;
}

/** Bytes of memory that a request holds: the message, and its body where that is not a view into the message. */
export function heldBytesOf(request: ReplayRequest): number {
  const separate = request.body.buffer !== request.bytes.buffer;
  return request.bytes.length + (separate ? request.body.length : 0);
}
