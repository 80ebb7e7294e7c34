// From a frame to a TCP segment: pure, one object and one short string a segment. Every length is checked once, before
// the reads that rely on it. TCP checksums are not verified: network cards compute them after the capture.

import { flowKey } from './flow.ts';
import type { Direction, Frame } from './frame.ts';
import { type FrameReject, type LayerCursor, newLayerCursor, uint32 } from './layer-cursor.ts';
import { walkToTcp } from './layer-walk.ts';
import { enterLinkLayer } from './link-layer.ts';
import { largestWindowBytes, tcpHeader } from './tcp.ts';

/** One TCP segment. Its bytes are the frame's: valid only as long as the frame is. */
export interface Segment {
  /** Key of the flow: Latin-1 text of source address, source port, destination address, destination port. */
  readonly flow: string;
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** Sequence number of the first byte, uint32; of the SYN where that flag is set, the payload then begins one later. */
  readonly sequence: number;
  /** The next sequence number that the sender expects, uint32. Means something only with the flag ack. */
  readonly acknowledgment: number;
  /** The flag byte, see {@link tcpFlags}. */
  readonly flags: number;
  /** The payload is `bytes[payloadStart, payloadEnd)`. */
  readonly bytes: Uint8Array;
  readonly payloadStart: number;
  readonly payloadEnd: number;
  /** Bytes of payload that followed on the wire but that the capture cut off. */
  readonly missing: number;
  /** When it was captured: integer microseconds since 1970. */
  readonly timestampUs: number;
  readonly direction: Direction;
}

/** Never leaves decodeSegment, so one serves every frame. */
const ownCursor = newLayerCursor();

/**
 * Decodes a frame down to its innermost TCP segment, or says why it holds none. The payload ends where the IP length
 * says, never at the padding of the frame. Keeps nothing, so a fragment is `ip-fragment`: {@link FrameDecoder} puts
 * fragments together.
 */
export function decodeSegment(frame: Frame): Segment | FrameReject {
  return enterLinkLayer(frame, ownCursor) ?? decodeLayers(ownCursor, frame.timestampUs);
}

/** The same from the layer where a cursor stands. At `ip-fragment` the cursor stands at the fragment's bytes. */
export function decodeLayers(cursor: LayerCursor, timestampUs: number): Segment | FrameReject {
  const reject = walkToTcp(cursor);
  if (reject !== undefined) return reject;
  const { bytes, at, end, missing } = cursor;
  if (end - at < tcpHeader.length) return missing > 0 ? 'truncated' : 'malformed-tcp';
  const headerLength = (bytes[at + tcpHeader.dataOffsetAt]! >> 4) * 4;
  if (headerLength < tcpHeader.length || at + headerLength > end + missing) return 'malformed-tcp';
  // Where the IP length is 0 the file tells how long the frame was, and a damaged one tells anything up to 2^32.
  if (missing > largestWindowBytes) return 'malformed-tcp';
  // A capture may be cut within the options: then all of the payload is missing, and its length is known.
  const payloadStart = Math.min(at + headerLength, end);
  return {
    flow: flowKey(bytes, cursor.addressesAt, cursor.addressLength, at),
    sourcePort: bytes[at]! * 256 + bytes[at + 1]!,
    destinationPort: bytes[at + tcpHeader.destinationPortAt]! * 256 + bytes[at + tcpHeader.destinationPortAt + 1]!,
    sequence: uint32(bytes, at + tcpHeader.sequenceAt),
    acknowledgment: uint32(bytes, at + tcpHeader.acknowledgmentAt),
    flags: bytes[at + tcpHeader.flagsAt]!,
    bytes,
    payloadStart,
    payloadEnd: end,
    missing: missing - (at + headerLength - payloadStart),
    timestampUs,
    direction: cursor.direction,
  };
}
