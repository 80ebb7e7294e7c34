// The place of a decoder on its way through the headers of one packet. Each layer's function moves it behind its own
// header, or returns the reason why it cannot.

import type { Direction } from './frame.ts';

/** One object, used for every packet: a header costs no allocation. */
export interface LayerCursor {
  bytes: Uint8Array;
  /** Where the next header begins. */
  at: number;
  /** Where the captured bytes of the layer end. */
  end: number;
  /** Bytes that belong behind `end` but that the capture cut off. */
  missing: number;
  direction: Direction;
  /** Source and destination address stand one behind the other from here; each is `addressLength` bytes. */
  addressesAt: number;
  addressLength: number;
}

/** Why a frame gave no TCP segment. */
export type FrameReject = (typeof frameRejects)[number];

/**
 * All the reasons of {@link FrameReject}:
 * - `unsupported-link-type`: none of `linkTypes`.
 * - `truncated`: the capture cut the frame within the headers.
 * - `not-ip`: another protocol than IP, ARP for one, or an encapsulation that is not read.
 * - `malformed-ip`: an IP header that contradicts itself or its frame.
 * - `ip-fragment`: a part of a fragmented IP packet.
 * - `not-tcp`: another protocol than TCP.
 * - `malformed-tcp`: a TCP header that contradicts itself or its packet.
 */
export const frameRejects = [
  'unsupported-link-type',
  'truncated',
  'not-ip',
  'malformed-ip',
  'ip-fragment',
  'not-tcp',
  'malformed-tcp',
] as const;
