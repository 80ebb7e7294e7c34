// The smallest shape of a request that replaying needs. Parsers of other packages fit it structurally.

/** One captured request. The replayer keeps it until its last target is done with it, and copies nothing. */
export interface ReplayRequest {
  /** Key of the captured connection: order is kept within it, and `10%` keeps or leaves it as a whole. */
  readonly connection: string | number;
  /** Any token, in the case that was captured. */
  readonly method: string;
  /** As on the request line, a character a byte (Latin-1). */
  readonly target: string;
  /** As on the request line, with or without `HTTP/`. */
  readonly version: string;
  /** Flat `[name, value, name, value, …]` as captured, a character a byte (Latin-1). */
  readonly headers: readonly string[];
  /** The whole message as captured. Must not change after `send`. */
  readonly bytes: Uint8Array;
  /**
   * Where the body starts in `bytes`, behind the empty line: says that `bytes` are the request, byte for byte, and the
   * exact forwarder sends them. Missing: the fields were changed, or there are no captured bytes; it sends the fields.
   */
  readonly bodyStart?: number | undefined;
  /** The body without its transfer coding; a view into `bytes` or a piece of its own. Must not change after `send`. */
  readonly body: Uint8Array;
  /** How the captured message said where its body ends. */
  readonly framing: 'none' | 'content-length' | 'chunked';
  /** Flat names and values after a chunked body. */
  readonly trailers: readonly string[];
  /** Capture time, microseconds since the epoch; 0 for none. What `delayMs` spaces requests by. */
  readonly timestampUs?: number;
  /** Whose clock `timestampUs` is of: clocks of different sources differ. Missing: all of one. */
  readonly source?: string;
  /** Position on its connection, from 0. */
  readonly index?: number;
}

/** What a waiting request takes besides its bytes and fields: its own objects, and those of its place in the backlog. */
const OBJECT_BYTES = 1000;
/** A name or a value besides its characters, which the head's own length stands for. */
const STRING_BYTES = 32;
/** A view keeps what is around it; more than a datagram of the default length is not this request's doing. */
const MOST_AROUND_BYTES = 1200;

/**
 * Memory that a request holds, nearly: the message, its body where that is not a view into the message, and the parsed
 * head, which takes several times the bytes that it was parsed from where fields are short.
 */
export function heldBytesOf(request: ReplayRequest): number {
  const { bytes, body, headers, trailers } = request;
  const separateBody = body.buffer === bytes.buffer ? 0 : body.length;
  const head = Math.max(0, bytes.length - body.length);
  const around = Math.min(MOST_AROUND_BYTES, bytes.buffer.byteLength - bytes.length);
  return OBJECT_BYTES + bytes.length + around + separateBody + head + STRING_BYTES * (headers.length + trailers.length);
}
